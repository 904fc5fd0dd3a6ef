import type { GenerationStatus } from '../../domain/generation';
import { roundUsd } from '../../domain/round-usd';

/** The rules of a set and of its money. Pure; each reads top to bottom, and the first line that applies decides. */

export interface SetResult {
  slots: number;
  completed: number;
  isCancelled: boolean;
  minSuccess: number;
}

/** How a generation ends. */
export function statusOfSet({ slots, completed, isCancelled, minSuccess }: SetResult): GenerationStatus {
  if (isCancelled) return 'cancelled';
  if (completed > 0 && completed === slots) return 'completed';
  if (completed >= minSuccess) return 'partial';
  return 'failed';
}

export interface SetEngine {
  /** The set may be made by several endpoints. */
  mayMix: boolean;
  /** The endpoint that made its first picture. */
  engine?: string | undefined;
  /** The endpoint at which another slot has a paid job under way. */
  claimed?: string | undefined;
}

/** Whether a picture of this endpoint fits the others. `later`: the job of another slot decides it just now. */
export function fitsSet({ mayMix, engine, claimed }: SetEngine, endpoint: string): 'yes' | 'later' | 'never' {
  if (mayMix || engine === endpoint) return 'yes';
  if (engine !== undefined) return 'never';
  return claimed === undefined || claimed === endpoint ? 'yes' : 'later';
}

/** USD. */
export interface Budget {
  /** Spent, at risk and in flight. */
  committed: number;
  /** What runs before a reset may have paid: the caller's money, set aside apart. */
  forgotten: number;
  /** Set aside for the generation. */
  reserved: number;
  /** The caller's own limit. */
  limit?: number | undefined;
}

/** Whether one more call of this price may be paid. `ask`: only if the daily limit has room for more than was set aside. */
export function affords(
  { committed, forgotten, reserved, limit }: Budget,
  priceUsd: number,
): 'yes' | 'ask' | 'no' {
  const totalUsd = roundUsd(committed + priceUsd);
  if (limit !== undefined && roundUsd(totalUsd + forgotten) > limit) return 'no';
  return totalUsd <= reserved ? 'yes' : 'ask';
}
