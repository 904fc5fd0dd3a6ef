import { runPeers } from '../peers/run-peers';
import { parseChaosOptions } from './chaos-options';
import { compareTable } from './compare-table';
import { reportTables } from './report-tables';
import { chaosDirectory } from './run/chaos-stack';
import { runChaos } from './run/run-chaos';

/** `npm run chaos`: exit 0 when every policy proved what it should, 1 when one did not or could not be run. */
async function main(): Promise<number> {
  const { json, peers: withPeers, ...options } = parseChaosOptions(process.argv.slice(2));
  const report = (line: string): void => {
    process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
  };
  const policies = await runChaos({ ...options, directory: chaosDirectory, report });
  const peers = withPeers ? await runPeers({ ...options, report }) : [];
  const ok = policies.every(({ failures }) => failures.length === 0);
  const tables = [...policies.map(reportTables), ...(withPeers ? [compareTable(policies, peers)] : [])].join(
    '\n',
  );
  const text = json ? JSON.stringify({ ok, options, policies, peers }, undefined, 2) : tables;
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
