import Table from 'cli-table3';
import type { PeerReport } from '../peers/run-peers';
import type { PolicyReport } from './run/run-chaos';

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
    'reported',
    'kills',
    'time',
  ];
  const drawn = new Table({ head, style: { head: [], border: [] } });
  drawn.push(...policies.map(ownRow), ...peers.map(peerRow));
  return `\nThe same run against the designs this one replaces\n${drawn.toString()}`;
}

function ownRow({ policy, findings, kills, seconds }: PolicyReport): (string | number)[] {
  const { images, paid, duplicates, money } = findings;
  return [
    `this service (${policy})`,
    images.asked,
    images.delivered,
    Object.values(images.failed).reduce((sum, count) => sum + count, 0),
    images.lost.reduce((sum, one) => sum + one.images, 0),
    images.stuck.reduce((sum, one) => sum + one.images, 0),
    paid.reduce((sum, one) => sum + one.paid, 0),
    duplicates.length,
    usd(money.chargedUsd),
    usd(money.wastedUsd),
    usd(money.reportedUsd),
    Object.values(kills).reduce((sum, count) => sum + count, 0),
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
    one.paid,
    one.duplicates,
    usd(one.chargedUsd),
    usd(one.wastedUsd),
    'nothing',
    one.kills,
    `${one.seconds.toFixed(0)} s`,
  ];
}

function usd(value: number): string {
  return `$${value.toFixed(2)}`;
}
