export interface ReserveSpendInput {
  generationId: string;
  caller: string;
  /** USD for the whole job, not what is added. */
  totalUsd: number;
}

export interface ReserveSpendResult {
  granted: boolean;
  /** Why not, in words for the caller. */
  reason?: string | undefined;
}

/** The callers' daily limits. */
export interface SpendLedger {
  /** Safe to repeat. */
  reserve(input: ReserveSpendInput): Promise<ReserveSpendResult>;
}

/** Asks for more than was set aside for a job. */
export function createReserveSpend(ledger: SpendLedger) {
  return async function reserveSpend(input: ReserveSpendInput): Promise<ReserveSpendResult> {
    return await ledger.reserve(input);
  };
}
