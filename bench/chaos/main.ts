import { parseChaosOptions } from './chaos-options';
import { reportTables } from './report-tables';
import { chaosDirectory } from './run/chaos-stack';
import { runChaos } from './run/run-chaos';

/** `npm run chaos`: exit 0 when every policy proved what it should, 1 when one did not or could not be run. */
async function main(): Promise<number> {
  const { json, peers: _peers, ...options } = parseChaosOptions(process.argv.slice(2));
  const report = (line: string): void =>
    void process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
  const policies = await runChaos({ ...options, directory: chaosDirectory, report });
  const ok = policies.every(({ failures }) => failures.length === 0);
  const text = json
    ? JSON.stringify({ ok, options, policies }, undefined, 2)
    : policies.map(reportTables).join('\n');
  process.stdout.write(`${text}\n`);
  return ok ? 0 : 1;
}

void main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
