import Table from 'cli-table3';
import { isUnexplained } from './analysis/find-duplicates';
import type { Findings } from './analysis/findings';
import type { UnknownOutcome } from './analysis/find-unknowns';
import { isTwiceAtPod } from './analysis/verdict';
import type { PolicyReport } from './run/run-chaos';

/** Everything a run found, for people. */
export function reportTables(report: PolicyReport): string {
  const { policy, findings, failures } = report;
  return [
    `\nunknownOutcome: ${policy}, Modal apps: ${findings.named ? 'named jobs' : 'plain'}`,
    summary(report),
    providers(findings),
    ...(findings.unknowns.length > 0 ? ['Unknown outcomes and what caused each', unknowns(findings)] : []),
    ...details(findings),
    failures.length === 0 ? 'PROVEN: nothing lost, nothing stuck, nothing paid twice in silence.' : 'FAILED:',
    ...failures.map((failure) => `  - ${failure}`),
  ].join('\n');
}

function summary({ findings, seconds, idealSeconds, kills, faults, repeats }: PolicyReport): string {
  const { images, money, duplicates, decisions } = findings;
  const lost = images.lost.reduce((sum, one) => sum + one.images, 0);
  const paid = findings.paid.reduce((sum, one) => sum + one.paid, 0);
  const rows: [string, string][] = [
    ['images asked', String(images.asked)],
    ['delivered', String(images.delivered)],
    ['failed with a typed reason', counts(images.failed)],
    ['lost', String(lost)],
    ['stuck jobs', String(images.stuck.length)],
    ['paid jobs', String(paid)],
    ['duplicate paid submits', duplicatesText(duplicates)],
    ['late pictures kept beside the set', `${findings.extras}, charged ${usd(money.extrasUsd)}`],
    ['jobs that never settled', String(findings.unsettled)],
    ['unknown outcomes at the end', String(findings.unknowns.length)],
    ['questions to a person, given up', String(decisions)],
    ['kills', counts(kills)],
    ['other faults that struck', String(faults)],
    ['requests the client repeated', String(repeats)],
    ['time', `${seconds.toFixed(0)} s; without faults ${idealSeconds.toFixed(0)} s`],
    ['money charged (journal)', usd(money.chargedUsd)],
    [
      'money reported',
      `${usd(money.reportedUsd)} = cost ${usd(money.costUsd)} + at risk and charged ${usd(money.atRiskChargedUsd)}`,
    ],
    ['at risk at the end, as the API reports it', usd(money.atRiskUsd)],
    ['most that the API says was spent', usd(money.costUsd + money.atRiskUsd)],
    ['charged for pictures the provider spoiled', usd(money.spoiledUsd)],
    ['charged for races the caller asked for', usd(money.racedUsd)],
    ['wasted: good pictures that nobody got', `${usd(money.wastedUsd)} (${share(money)})`],
  ];
  return table([], rows);
}

function duplicatesText(duplicates: Findings['duplicates']): string {
  const count = (reason: string): number => duplicates.filter(({ why }) => why === reason).length;
  return [
    `${count('unknown')} behind a recorded unknown outcome, ${duplicates.filter(isUnexplained).length} unexplained`,
    `(not counted: ${count('extra')} left in a long outage and kept, ${count('raced')} raced)`,
  ].join('\n');
}

function share({ wastedUsd, chargedUsd }: Findings['money']): string {
  return `${(chargedUsd === 0 ? 0 : (100 * wastedUsd) / chargedUsd).toFixed(2)} % of what was charged`;
}

function providers({ paid }: Findings): string {
  const head = [
    'provider',
    'paid',
    'delivered',
    'failed',
    'duplicates (unknown)',
    'duplicates (unexplained)',
    'charged',
  ];
  return table(
    head,
    paid.map((one) => [
      one.provider,
      one.paid,
      one.delivered,
      one.failed,
      one.duplicatesBehindUnknown,
      one.duplicatesUnexplained,
      usd(one.chargedUsd),
    ]),
  );
}

function unknowns({ unknowns: all }: Findings): string {
  const groups = new Map<string, UnknownOutcome[]>();
  for (const one of all) {
    const key = one.cause?.detail ?? 'NOTHING THAT FITS';
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  const inTurn = [...groups].toSorted(([, [a]], [, [b]]) => (a?.cause?.at ?? 0) - (b?.cause?.at ?? 0));
  const rows = inTurn.map(([cause, group]) => [
    cause,
    group.length,
    group.filter(({ accepted }) => accepted).length,
    usd(group.reduce((sum, { atRiskUsd }) => sum + atRiskUsd, 0)),
    usd(group.reduce((sum, { chargedUsd }) => sum + chargedUsd, 0)),
  ]);
  return table(['cause', 'outcomes', 'really accepted', 'at risk', 'really charged'], rows);
}

/** Single cases are listed only where something is wrong. */
function details(findings: Findings): string[] {
  const { images, duplicates, orphans, unknowns: all, money } = findings;
  const causeless = all.filter(({ cause }) => cause === undefined);
  const unexplained = duplicates.filter(
    (one) => isUnexplained(one) || isTwiceAtPod(one) || (findings.named && one.why === 'unknown'),
  );
  return [
    ...images.lost.map(({ workId, slot, reason }) => `lost: ${workId} slot ${slot ?? 'all'}: ${reason}`),
    ...images.stuck.map(({ workId, generationId, status }) => `stuck: ${workId} ${generationId}: ${status}`),
    ...unexplained.map(
      (one) =>
        `duplicate: ${one.workId} slot ${one.slot}: journal ${one.earlier} (${one.provider}, ${one.why}) and ${one.later}`,
    ),
    ...causeless.map(
      (one) => `no cause: ${one.workId} slot ${one.slot}: ${one.provider} ${one.code} at ${one.startedAt}`,
    ),
    ...orphans.map((n) => `nobody's: journal ${n}`),
    ...money.mismatches.map(
      (one) =>
        `money: ${one.workId} slot ${one.slot}: charged ${usd(one.chargedUsd)}, reported ${usd(one.reportedUsd)}` +
        (one.isOwnSumWrong ? ', and the slot does not sum its attempts up' : ''),
    ),
  ];
}

function counts(of: Record<string, number>): string {
  const entries = Object.entries(of);
  if (entries.length === 0) return '0';
  const total = entries.reduce((sum, [, count]) => sum + count, 0);
  return `${total} (${entries.map(([name, count]) => `${name} ${count}`).join(', ')})`;
}

function usd(value: number): string {
  return `$${value.toFixed(6)}`;
}

function table(head: string[], rows: (string | number)[][]): string {
  const drawn = new Table({ head, style: { head: [], border: [] } });
  drawn.push(...rows);
  return drawn.toString();
}
