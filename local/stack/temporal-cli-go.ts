import { mkdtemp, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { runCommand } from './run-command';
import type { TemporalCliOrder } from './temporal-cli-download';

const progressMs = 10_000;
/** A cold build took 6 minutes on 2 cores; slower machines and networks get several times that. */
const timeoutMs = 30 * 60_000;

/**
 * Builds the Temporal CLI with `go install` (some 6 minutes on 2 cores), reporting progress every 10 s.
 *
 * @returns whether the program now stands at `target`. Never throws for a failed build; the reason is reported.
 */
export async function installTemporalCliWithGo(order: TemporalCliOrder): Promise<boolean> {
  const { environment, report } = order;
  const go = await runCommand('go', ['version'], { environment });
  if (!go.ok) {
    report(`temporal: cannot build the CLI: "go version" failed: ${go.problem}`);
    return false;
  }
  report(
    `temporal: building the CLI ${order.version} with ${go.output}; this takes minutes, once per machine`,
  );
  const directory = await mkdtemp(path.join(path.dirname(order.target), '.build-'));
  try {
    return await build(directory, order);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function build(
  directory: string,
  { target, version, environment, report }: TemporalCliOrder,
): Promise<boolean> {
  const startedAt = Date.now();
  let modules = 0;
  let packages = 0;
  const onLine = (line: string): void => {
    if (line.startsWith('go: ')) modules += 1;
    else packages += 1;
  };
  const elapsed = (): string => `${Math.round((Date.now() - startedAt) / 1000)} s`;
  const timer = setInterval(() => {
    report(`temporal: building, ${elapsed()}: ${modules} modules fetched, ${packages} packages compiled`);
  }, progressMs);
  const { ok, output, problem } = await runCommand(
    'go',
    ['install', '-v', '-ldflags=-s -w', `github.com/temporalio/cli/cmd/temporal@v${version}`],
    { environment: { ...environment, GOBIN: directory }, timeoutMs, onLine },
  ).finally(() => clearInterval(timer));
  if (!ok) {
    report(`temporal: the build failed after ${elapsed()}: ${output.split('\n').at(-1) ?? ''} (${problem})`);
    return false;
  }
  await rename(path.join(directory, 'temporal'), target);
  report(`temporal: built in ${elapsed()}`);
  return true;
}
