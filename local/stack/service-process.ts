import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import type { Service, ServiceProgram } from './service';
import type { ServiceLog } from './service-log';

/** A descendant may keep the output open after the end of the process itself. */
const lateOutputMs = 500;

/** One run of a service. */
export interface ServiceProcess {
  readonly pid: number;
  /** Its ready line, parsed; pending when it never prints one. */
  readonly readyLine: Promise<unknown>;
  /** Resolves with a few words on how the process ended. Never rejects. */
  readonly exited: Promise<string>;
  /** Resolves after `exited`, when what the process wrote is in the log too. Never rejects. */
  readonly silent: Promise<void>;
  /** Tells a process that stands by to begin. */
  begin(): void;
  /** Asks it to end, kills it after its grace, resolves when it is gone. */
  stop(): Promise<void>;
  kill(): void;
}

/**
 * Spawns a service in a process group of its own, so that Ctrl-C reaches the supervisor alone.
 *
 * @param standsBy it waits, loaded, for its `begin`; only for a service with `standbyArgs`
 * @throws when it cannot
 */
export async function launchService(
  service: Service,
  program: ServiceProgram,
  log: ServiceLog,
  standsBy = false,
): Promise<ServiceProcess> {
  const child = spawn(program.file, [...program.args, ...((standsBy && service.standbyArgs) || [])], {
    cwd: program.cwd,
    env: program.environment,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    ...program.account,
  });
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code ?? 0}` : signal));
  });
  // It may be gone already when it is told to begin.
  child.stdin.on('error', () => undefined);
  if (!standsBy) child.stdin.end();
  const pid = await spawned(child);
  if (!standsBy) log.beginRun();
  const written = Promise.all([log.follow(child.stderr), log.follow(child.stdout)]);
  const dismissGuard = guard(pid, service.stopSignal);
  void exited.then(dismissGuard);
  return {
    pid,
    exited,
    silent: exited.then(async () => {
      await Promise.race([written, delay(lateOutputMs, undefined, { ref: false })]);
    }),
    readyLine: firstReadyLine(child.stdout),
    kill: () => void child.kill('SIGKILL'),
    begin() {
      log.beginRun();
      child.stdin.end('begin\n');
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(service.stopSignal);
      const timer = setTimeout(() => child.kill('SIGKILL'), service.stopGraceMs);
      await exited.finally(() => clearTimeout(timer));
    },
  };
}

function spawned(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(child.pid ?? 0));
    child.once('error', reject);
  });
}

function firstReadyLine(stdout: Readable): Promise<unknown> {
  return new Promise((resolve) => {
    createInterface({ input: stdout, crlfDelay: Infinity }).on('line', (line) => {
      const value = parseReadyLine(line);
      if (value !== undefined) resolve(value);
    });
  });
}

/** Anything else on standard output is log and no mistake. */
function parseReadyLine(line: string): unknown {
  try {
    const value: unknown = JSON.parse(line);
    const isReady = typeof value === 'object' && value !== null && 'ready' in value && value.ready === true;
    return isReady ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Seconds between the stop signal and SIGKILL once the supervisor is gone: there is nothing left to drain to. */
const orphanGraceSeconds = 10;

const guardScript = `
read -r _ && exit
kill -s "$1" "$2"
seconds=0
while kill -0 "$2" && [ "$seconds" -lt ${orphanGraceSeconds} ]; do
  sleep 1
  seconds=$((seconds + 1))
done
kill -s KILL "$2"`;

/**
 * A shell that waits for the end of its input and then ends the service. The input ends when the supervisor goes, even
 * by kill -9; so no service outlives it for long. A line of input dismisses it.
 */
function guard(pid: number, signal: NodeJS.Signals): () => void {
  const shell = spawn('/bin/sh', ['-c', guardScript, 'guard', signal.slice('SIG'.length), String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
  });
  // It may be gone already when it is dismissed, and a machine without a shell has no guard.
  shell.on('error', () => undefined);
  shell.stdin.on('error', () => undefined);
  return () => void shell.stdin.end('\n');
}
