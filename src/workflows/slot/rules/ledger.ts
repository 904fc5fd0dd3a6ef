import type { EndpointNote, Job, Ledger, Money } from '../../../domain/ledger';
import type { ProviderName } from '../../../domain/taxonomy';

/** A candidate as the rules see it. */
export interface Endpoint {
  /** Model id. */
  id: string;
  provider: ProviderName;
  priceUsd: number;
  /** After so long nearly every call of it has ended. */
  slowAfterMs: number;
  retry: { initialMs: number; coefficient: number; maximumMs: number; maximumAttempts: number };
  /** One app of several: what it says of itself is no word on its provider. */
  isOneOfMany: boolean;
}

/** What the caller and the deployment decided. */
export interface Rules {
  isOnHold: boolean;
  mayHedge: boolean;
  maxRefills: number;
  maxPaid: number;
  graceMs: number;
  parking: { initialMs: number; coefficient: number; maximumMs: number };
}

const freshNote: EndpointNote = {
  ...{ jobs: 0, failures: [], hadItsTurn: false, notBefore: 0, isSpoiled: false },
};

export function noteOf({ endpoints }: Pick<Ledger, 'endpoints'>, id: string): EndpointNote {
  return endpoints[id] ?? freshNote;
}

export function isOpen({ fate }: Job): boolean {
  return fate === 'open';
}

export function isCalling({ callingSince }: Job): boolean {
  return callingSince !== undefined;
}

/** It was asked for in vain for so long that another one may be paid beside it. */
export function isOverdue({ inVainSince, hangs }: Job, { graceMs }: Rules, nowMs: number): boolean {
  return hangs >= 2 || (inVainSince !== undefined && nowMs - inVainSince >= graceMs);
}

export const free: Money = { kind: 'free' };

/** What is committed may be paid for nothing. */
export function atRisk(money: Money): Money {
  if (money.kind !== 'committed') return money;
  return money.usd === 0 ? free : { kind: 'at_risk', usd: money.usd };
}

/** USD that is known to be paid. */
export function costUsd({ jobs }: Ledger): number {
  return sum(jobs, ({ money }) => (money.kind === 'cost' ? money.usd : 0));
}

/** USD that may have been paid, with nothing to show for it. */
export function atRiskUsd({ jobs }: Ledger): number {
  return sum(jobs, ({ money }) => (money.kind === 'at_risk' ? money.usd : 0));
}

/** USD spent, perhaps spent, and about to be spent. */
export function committedUsd({ jobs }: Ledger): number {
  return sum(jobs, ({ money }) => (money.kind === 'free' ? 0 : money.usd));
}

/**
 * From this share of its price on a job that gave nothing was paid for nothing. Named jobs at Modal bill whatever ran: a
 * route that refuses within milliseconds costs a fraction of a cent, and says no more than one that refuses for free. What
 * fails after a part of its work costs more than this.
 */
const wastedShare = 0.1;

/** Nothing, or no clear share of the price. */
export function isSmallCost(usd: number, priceUsd: number): boolean {
  return usd === 0 || usd < wastedShare * priceUsd;
}

/** 1 for a job that was paid for nothing, or may have been. A small cost counts as the share of the price that it is. */
export function wasteOf({ endpoint, fate, money, isSum }: Job, endpoints: readonly Endpoint[]): number {
  // One that is open at its price may still give its picture.
  if (fate === 'made' || money.kind === 'free' || money.kind === 'committed' || money.usd === 0) return 0;
  const priceUsd = priceOf(endpoint, endpoints);
  return isSum === true || isSmallCost(money.usd, priceUsd) ? money.usd / priceUsd : 1;
}

/** How many jobs were paid for nothing, or may have been. Small costs end a slot too, once they come to as many prices. */
export function wastedJobs(jobs: readonly Job[], endpoints: readonly Endpoint[]): number {
  return sum(jobs, (job) => wasteOf(job, endpoints));
}

export function priceOf(endpoint: string, endpoints: readonly Endpoint[]): number {
  return endpoints.find(({ id }) => id === endpoint)?.priceUsd ?? 0;
}

/** Whether nobody knows of an earlier submit whether it was paid: before the next one the provider must be well. */
export function hasDoubts({ jobs }: Ledger): boolean {
  return jobs.some(({ fate, money }) => fate === 'lost' && money.kind === 'at_risk');
}

/** It has its picture, or a refusal that no other provider may get around: what comes later is of no use. */
export function isDecided({ jobs, refusal }: Ledger): boolean {
  return refusal !== undefined || jobs.some(({ fate }) => fate === 'made');
}

/** Once is enough for a slot. */
export function hasRaced({ jobs }: Ledger): boolean {
  return jobs.some(({ isRival }) => isRival === true);
}

export function jobOf({ jobs }: Ledger, key: string): Job {
  return known(jobs.find((job) => job.key === key));
}

/** @throws Error where this is not so: a defect, at which the workflow stops until it is mended. */
export function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the ledger speaks of something that is not there');
  return value;
}

function sum(jobs: readonly Job[], of: (job: Job) => number): number {
  return jobs.reduce((total, job) => total + of(job), 0);
}
