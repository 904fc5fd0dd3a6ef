import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { countKills } from '../analysis/count-kills';
import { analyse, type Findings } from '../analysis/findings';
import { verdict } from '../analysis/verdict';
import type { Evidence } from '../analysis/evidence';
import type { ChaosOptions } from '../chaos-options';
import { startChaosStack } from './chaos-stack';
import { runPolicy, type RunResult } from './run-policy';

/** One policy's run with its judgement. */
export interface PolicyReport {
  policy: Evidence['policy'];
  findings: Findings;
  /** Empty: it proved what it should. */
  failures: string[];
  seconds: number;
  /** The same requests without any fault. */
  idealSeconds: number;
  kills: Record<string, number>;
  /** Outages, hangs, spells and aimed faults that struck. */
  faults: number;
  /** Requests the client had to repeat. */
  repeats: number;
}

export interface RunChaosOptions extends Omit<ChaosOptions, 'json' | 'peers'> {
  /** Absolute; the stack's data and the evidence of each run go here. */
  directory: string;
  report: (line: string) => void;
}

/** Runs every policy on a fresh stack of its own, and once the same requests without any fault. */
export async function runChaos(options: RunChaosOptions): Promise<PolicyReport[]> {
  const reports: PolicyReport[] = [];
  let idealSeconds: number | undefined;
  for (const policy of options.policies) {
    const { directory, timeScale, seed, plainModal } = options;
    const dataDirectory = path.join(directory, 'stack');
    mkdirSync(directory, { recursive: true });
    options.report(`${policy}: starting a stack`);
    const stack = await startChaosStack({ dataDirectory, timeScale, seed, plainModal });
    try {
      const run = { ...options, stack, policy };
      idealSeconds ??= await measureIdeal(run);
      options.report(`${policy}: ${options.images} images, ${options.kills} kills, seed ${seed}`);
      const result = await runPolicy({ ...run, label: policy === 'hold' ? 'hd' : 'rs' });
      writeFileSync(path.join(directory, `${policy}.evidence.json`), JSON.stringify(result.evidence));
      reports.push(judge(result, idealSeconds));
    } finally {
      await stack.stop();
    }
  }
  return reports;
}

async function measureIdeal(run: Omit<Parameters<typeof runPolicy>[0], 'label'>): Promise<number> {
  run.report('ideal: the same requests without any fault');
  const { seconds, evidence } = await runPolicy({ ...run, kills: 0, label: 'dl' });
  const failures = verdict(analyse(evidence));
  if (failures.length > 0) run.report(`ideal: FAILED even without a fault: ${failures.join('; ')}`);
  return seconds;
}

function judge(result: RunResult, idealSeconds: number): PolicyReport {
  const { evidence, seconds, repeats } = result;
  const { disruptions, policy } = evidence;
  const findings = analyse(evidence);
  const kills = countKills(disruptions);
  const faults = disruptions.filter(({ kind, isEnd }) => kind !== 'kill' && isEnd !== true).length;
  const failures = verdict(findings);
  return { policy, findings, failures, seconds, idealSeconds, kills, faults, repeats };
}
