import { roundUsd } from '../../../src/domain/round-usd';
import type { PaidJob, SlotOutcome } from './evidence';
import { isExtra, isSpoiled, wasOvertaken } from './find-duplicates';
import type { MatchedJob, MatchedSlot } from './match-jobs';

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
  /** Charged for jobs that crashed or made a picture of no use: the provider's own fault. */
  spoiledUsd: number;
  /** Charged for the slower one of two that raced because the caller asked for it. */
  racedUsd: number;
  /** Charged for pictures that came late and were kept beside those of the slots. */
  extrasUsd: number;
  /** Charged for everything else of which nobody got the picture. */
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
    spoiledUsd: sum((account) => account.spoiledUsd),
    racedUsd: sum((account) => account.racedUsd),
    extrasUsd: sum((account) => account.extrasUsd),
    wastedUsd: roundUsd(sum((account) => account.wastedUsd) + orphaned),
    mismatches: accounts.flatMap(({ workId, slot, chargedUsd, reportedUsd, isOwnSumWrong }) =>
      !isOwnSumWrong && isEqual(chargedUsd, reportedUsd)
        ? []
        : [{ workId, slot, chargedUsd, reportedUsd, isOwnSumWrong }],
    ),
  };
}

interface SlotAccount extends MoneyMismatch, Record<Use, number> {
  costUsd: number;
  atRiskUsd: number;
  atRiskChargedUsd: number;
}

/** What a charge that bought no slot its picture was for. */
type Use = 'spoiledUsd' | 'racedUsd' | 'extrasUsd' | 'wastedUsd';

function useOf(matched: MatchedJob, { work, slot }: MatchedSlot): Use {
  if (isExtra(matched, work, slot.slot)) return 'extrasUsd';
  if (isSpoiled(matched)) return 'spoiledUsd';
  return wasOvertaken(matched) ? 'racedUsd' : 'wastedUsd';
}

function accountSlot(matched: MatchedSlot): SlotAccount {
  const { work, slot, jobs } = matched;
  const { costUsd, atRiskUsd } = slot;
  const charged = jobs.filter(({ job }) => job.chargedUsd > 0);
  const atRiskCharged = charged
    .flatMap(({ attempts }) => attempts)
    .reduce((sum, attempt) => sum + (attempt.atRiskUsd ?? 0), 0);
  const kept =
    slot.status === 'completed' ? jobs.findLast(({ attempts }) => hasSucceeded(attempts)) : undefined;
  const chargedUsd = charged.reduce((sum, { job }) => sum + job.chargedUsd, 0);
  const uses: Record<Use, number> = { spoiledUsd: 0, racedUsd: 0, extrasUsd: 0, wastedUsd: 0 };
  for (const one of charged) if (one !== kept) uses[useOf(one, matched)] += one.job.chargedUsd;
  return {
    ...uses,
    workId: work.workId,
    slot: slot.slot,
    chargedUsd: roundUsd(chargedUsd),
    reportedUsd: roundUsd(costUsd + atRiskCharged),
    isOwnSumWrong: !isSumOfAttempts(slot),
    costUsd,
    atRiskUsd,
    atRiskChargedUsd: atRiskCharged,
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
