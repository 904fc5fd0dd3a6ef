import { isUnexplained, type Duplicate } from './find-duplicates';
import type { Findings } from './findings';

/** Why the run failed, a sentence each; empty: it proved what it should. */
export function verdict(findings: Findings): string[] {
  const { policy, named, images, otherJobs, duplicates, orphans, unknowns, money } = findings;
  const lost = images.lost.reduce((sum, one) => sum + one.images, 0);
  const unexplained = duplicates.filter(isUnexplained);
  const paidTwice = duplicates.filter(({ why }) => why !== 'raced' && why !== 'extra');
  const atPod = duplicates.filter(isTwiceAtPod);
  const causeless = unknowns.filter(({ cause }) => cause === undefined);
  const differenceUsd = money.chargedUsd - money.reportedUsd;
  return [
    ...reason(lost, `${lost} images were lost`),
    ...reason(images.stuck.length, `${images.stuck.length} jobs are stuck`),
    ...reason(images.refused, `${images.refused} images were never accepted by the API`),
    ...reason(otherJobs, `${otherJobs} requests with a known Idempotency-Key started another job`),
    ...reason(
      unexplained.length,
      `${unexplained.length} paid submits have no recorded unknown outcome behind them`,
    ),
    ...reason(
      causeless.length,
      `${causeless.length} unknown outcomes have nothing behind them that can cause one`,
    ),
    ...reason(orphans.length, `${orphans.length} paid jobs belong to no slot`),
    ...reason(atPod.length, `${atPod.length} jobs were submitted twice to ComfyUI`),
    ...reason(
      policy === 'hold' ? paidTwice.length : 0,
      `${paidTwice.length} duplicate submits although unknown outcomes are on hold`,
    ),
    ...reason(
      money.mismatches.length,
      `money differs in ${money.mismatches.length} slots: charged $${money.chargedUsd}, reported $${money.reportedUsd}`,
    ),
    ...reason(
      Math.abs(differenceUsd) < centUsd ? 0 : 1,
      `money differs: charged $${money.chargedUsd}, reported $${money.reportedUsd}`,
    ),
    ...reason(findings.unsettled, `${findings.unsettled} jobs never settled: nobody knows what they cost`),
    ...(named ? namedVerdict(findings, paidTwice.length) : []),
  ];
}

/** Most that jobs whose good picture nobody got may cost, as a share of what was charged. */
const wastedShare = 0.01;

/** With a name for every job, nothing may stay in doubt. */
function namedVerdict({ money, unknowns, decisions }: Findings, paidTwice: number): string[] {
  const { atRiskUsd, wastedUsd, chargedUsd } = money;
  const isWasteful = wastedUsd > wastedShare * chargedUsd;
  return [
    ...reason(paidTwice, `${paidTwice} duplicate paid submits although every job has a name`),
    ...reason(decisions, `${decisions} slots were put before a person although every job has a name`),
    ...reason(unknowns.length, `${unknowns.length} outcomes are unknown at the end`),
    ...reason(atRiskUsd > 0 ? 1 : 0, `$${atRiskUsd} are at risk at the end`),
    ...reason(isWasteful ? 1 : 0, `wasted $${wastedUsd} is more than 1 % of the $${chargedUsd} charged`),
  ];
}

const centUsd = 0.005;

function reason(count: number, sentence: string): string[] {
  return count > 0 ? [sentence] : [];
}

/** The pod can be asked for our own id, so nothing excuses another job there; one elsewhere while the pod is out is a resubmit. */
export function isTwiceAtPod({ provider, laterProvider }: Duplicate): boolean {
  return provider === 'comfyui' && laterProvider === 'comfyui';
}
