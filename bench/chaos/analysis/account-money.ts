import { roundUsd } from '../../../src/domain/round-usd';
import type { PaidJob, SlotOutcome } from './evidence';
import type { MatchedSlot } from './match-jobs';

/** What was charged and what was said to be charged, USD. */
export interface Money {
  /** All jobs of the journal. */
  chargedUsd: number;
  /** Sum of the slots' `costUsd`: known or estimated. */
  costUsd: number;
  /** Sum of the attempts' `atRiskUsd`: paid if the provider did the work after all. */
  atRiskUsd: number;
  /** The part of `atRiskUsd` whose job the journal shows as charged. */
  atRiskChargedUsd: number;
  /** `costUsd` plus `atRiskChargedUsd`: must equal `chargedUsd`. */
  reportedUsd: number;
  /** Charged for jobs whose picture nobody got. */
  wastedUsd: number;
  /** Slots whose report differs from the journal. */
  mismatches: MoneyMismatch[];
}

export interface MoneyMismatch {
  workId: string;
  slot: number;
  chargedUsd: number;
  reportedUsd: number;
  /** The slot's own sums differ from its attempts. */
  isOwnSumWrong: boolean;
}

/** Below this two sums of micro-dollars are equal. */
const noiseUsd = 0.000_001_5;

/** Compares every slot's own figures with the journal. Orphans are charged and reported by nobody. */
export function accountMoney(slots: readonly MatchedSlot[], orphans: readonly PaidJob[]): Money {
  const accounts = slots.map(accountSlot);
  const sum = (pick: (account: SlotAccount) => number): number =>
    roundUsd(accounts.reduce((total, account) => total + pick(account), 0));
  const orphaned = orphans.reduce((total, { chargedUsd }) => total + chargedUsd, 0);
  const costUsd = sum((account) => account.costUsd);
  const atRiskChargedUsd = sum((account) => account.atRiskChargedUsd);
  return {
    chargedUsd: roundUsd(sum((account) => account.chargedUsd) + orphaned),
    costUsd,
    atRiskUsd: sum((account) => account.atRiskUsd),
    atRiskChargedUsd,
    reportedUsd: roundUsd(costUsd + atRiskChargedUsd),
    wastedUsd: roundUsd(sum((account) => account.wastedUsd) + orphaned),
    mismatches: accounts.flatMap(({ workId, slot, chargedUsd, reportedUsd, isOwnSumWrong }) =>
      !isOwnSumWrong && isEqual(chargedUsd, reportedUsd)
        ? []
        : [{ workId, slot, chargedUsd, reportedUsd, isOwnSumWrong }],
    ),
  };
}

interface SlotAccount extends MoneyMismatch {
  costUsd: number;
  atRiskUsd: number;
  atRiskChargedUsd: number;
  wastedUsd: number;
}

function accountSlot({ work, slot, jobs }: MatchedSlot): SlotAccount {
  const { costUsd, atRiskUsd } = slot;
  const charged = jobs.filter(({ job }) => job.chargedUsd > 0);
  const atRiskCharged = charged
    .flatMap(({ attempts }) => attempts)
    .reduce((sum, attempt) => sum + (attempt.atRiskUsd ?? 0), 0);
  const kept =
    slot.status === 'completed' ? jobs.findLast(({ attempts }) => hasSucceeded(attempts)) : undefined;
  const chargedUsd = charged.reduce((sum, { job }) => sum + job.chargedUsd, 0);
  return {
    workId: work.workId,
    slot: slot.slot,
    chargedUsd: roundUsd(chargedUsd),
    reportedUsd: roundUsd(costUsd + atRiskCharged),
    isOwnSumWrong: !isSumOfAttempts(slot),
    costUsd,
    atRiskUsd,
    atRiskChargedUsd: atRiskCharged,
    wastedUsd: roundUsd(chargedUsd - (kept?.job.chargedUsd ?? 0)),
  };
}

function isSumOfAttempts({ attempts, costUsd, atRiskUsd }: SlotOutcome): boolean {
  const cost = attempts.reduce((sum, attempt) => sum + (attempt.costUsd ?? 0), 0);
  const atRisk = attempts.reduce((sum, attempt) => sum + (attempt.atRiskUsd ?? 0), 0);
  return isEqual(cost, costUsd) && isEqual(atRisk, atRiskUsd);
}

function isEqual(oneUsd: number, otherUsd: number): boolean {
  return Math.abs(oneUsd - otherUsd) < noiseUsd;
}

function hasSucceeded(attempts: readonly { outcome: string }[]): boolean {
  return attempts.some(({ outcome }) => outcome === 'succeeded');
}
