import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { freePorts } from '../../local/stack/free-ports';
import { devServerArguments } from '../../local/stack/temporal-arguments';
import { resolveTemporalCli } from '../../local/stack/temporal-cli';
import { waitForTemporal } from '../../local/stack/temporal-server';

export interface TemporalTestServer {
  /** `host:port` for `Connection.connect` and `NativeConnection.connect`. */
  address: string;
  namespace: string;
  stop(): Promise<void>;
}

const readyTimeoutMs = 30_000;

/** A real Temporal server of its own: in memory, on a free port, with the settings and search attributes of `npm start`. */
export async function startTemporalServer({
  dynamicConfig = [],
}: { dynamicConfig?: readonly string[] } = {}): Promise<TemporalTestServer> {
  const steps: string[] = [];
  const cli = await resolveTemporalCli({ environment: process.env, report: (line) => steps.push(line) });
  const [port = 0] = await freePorts(1);
  const target = { address: `127.0.0.1:${port}`, namespace: 'default' };
  const serverArguments = devServerArguments({ port, namespace: target.namespace });
  const child = spawn(
    cli,
    [...serverArguments, ...dynamicConfig.flatMap((setting) => ['--dynamic-config-value', setting])],
    { stdio: 'ignore' },
  );
  const dieWithTests = (): void => void child.kill('SIGKILL');
  process.once('exit', dieWithTests);
  const stop = async (): Promise<void> => {
    process.removeListener('exit', dieWithTests);
    await end(child);
  };
  try {
    await waitForTemporal(target, AbortSignal.timeout(readyTimeoutMs));
  } catch (error) {
    await stop();
    throw new Error(`Temporal did not start. ${steps.join('; ')}`, { cause: error });
  }
  return { ...target, stop };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  // Nothing of a test server is worth a graceful stop, which takes seconds while workers poll.
  child.kill('SIGKILL');
  await exited;
}
