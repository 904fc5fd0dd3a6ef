import Table from 'cli-table3';
import type { PeerReport } from '../peers/run-peers';
import type { JobCounts } from './analysis/count-jobs';
import type { PolicyReport } from './run/run-chaos';
import type { KillTarget } from './work/plan-disruptions';

/** This service beside the designs it replaces, under the same requests, faults and kills. */
export function compareTable(policies: readonly PolicyReport[], peers: readonly PeerReport[]): string {
  const head = [
    'design',
    'asked',
    'delivered',
    'failed',
    'lost',
    'stuck',
    'paid',
    'duplicates',
    'charged',
    'wasted',
    'in doubt at the end',
    'reported',
    'kills: API / worker / store',
    'time',
  ];
  const drawn = new Table({ head, style: { head: [], border: [] } });
  drawn.push(...policies.map(ownRow), ...peers.map(peerRow));
  return `\nThe same run against the designs this one replaces\n${drawn.toString()}`;
}

function ownRow({ policy, findings, kills, seconds }: PolicyReport): (string | number)[] {
  const { images, byJournal, money } = findings;
  return [
    `this service (${policy})`,
    images.asked,
    images.delivered,
    Object.values(images.failed).reduce((sum, count) => sum + count, 0),
    images.lost.reduce((sum, one) => sum + one.images, 0),
    images.stuck.reduce((sum, one) => sum + one.images, 0),
    ...jobCells(byJournal),
    `${findings.unknowns.length} jobs, ${usd(money.atRiskUsd)}`,
    usd(money.reportedUsd),
    killCell(kills),
    `${seconds.toFixed(0)} s`,
  ];
}

function peerRow(one: PeerReport): (string | number)[] {
  return [
    one.peer === 'bullmq' ? 'BullMQ + Redis' : 'in memory',
    one.asked,
    one.delivered,
    one.failed,
    one.lost,
    one.stuck,
    ...jobCells(one),
    'nobody knows',
    'nothing',
    killCell(one.kills),
    `${one.seconds.toFixed(0)} s`,
  ];
}

function jobCells({ paid, duplicates, chargedUsd, wastedUsd }: JobCounts): (string | number)[] {
  return [paid, duplicates, usd(chargedUsd), usd(wastedUsd)];
}

/** Of what takes requests, what calls providers, and what keeps the jobs. */
function killCell(kills: Record<string, number>): string {
  const of = (...targets: KillTarget[]): number => targets.reduce((sum, one) => sum + (kills[one] ?? 0), 0);
  return `${of('api')} / ${of('worker', 'worker-2')} / ${of('temporal', 'postgres')}`;
}

function usd(value: number): string {
  return `$${value.toFixed(2)}`;
}
