import type { Transaction } from 'kysely';
import { pendingSlot, type GenerationInput } from '../domain/generation';
import { roundUsd } from '../domain/round-usd';
import { workflowIdOf } from '../domain/workflow-id';
import { dailySpend, lockName, lockSpend, type DailySpend } from './daily-spend';
import type { Database } from './database';
import {
  findRepeat,
  insertKey,
  lockNameOf,
  type IdempotencyKey,
  type KeyReused,
  type RepeatedStart,
} from './idempotency-keys';
import { slotRow } from './generation-rows';
import type { DatabaseSchema } from './schema';

/** A request that is about to become a job. */
export interface AcceptOrder {
  input: GenerationInput;
  /** What its caller may spend a day; absent: no limit. */
  dailyLimitUsd?: number | undefined;
  idempotency?: IdempotencyKey | undefined;
}

export type Acceptance =
  /** The row is there, with this id: that of `input`, or of an earlier job of the same key that never started. */
  | { kind: 'accepted'; generationId: string }
  | { kind: 'over_limit'; spend: DailySpend }
  | RepeatedStart
  | KeyReused;

/**
 * Notes a job before its workflow starts, so that a start that goes wrong leaves a trace; and its money and its key with
 * it, or none of them. Any number of processes may do so at once.
 */
export async function acceptGeneration(db: Database, order: AcceptOrder): Promise<Acceptance> {
  try {
    return await db.transaction().execute((transaction) => accept(transaction, order));
  } catch (error) {
    if (error instanceof OverLimit) return { kind: 'over_limit', spend: error.spend };
    throw error;
  }
}

/** Thrown, so that the transaction keeps what an earlier start under the same key left. */
class OverLimit extends Error {
  constructor(readonly spend: DailySpend) {
    super('the daily limit of the caller is used up');
  }
}

async function accept(transaction: Transaction<DatabaseSchema>, order: AcceptOrder): Promise<Acceptance> {
  const { input, idempotency } = order;
  const repeat = idempotency && (await takeKey(transaction, input.caller, idempotency));
  if (repeat !== undefined && repeat.kind !== 'never_started') return repeat;
  const spend = await spendBeyondLimit(transaction, order);
  if (spend !== undefined) throw new OverLimit(spend);
  const generationId = repeat?.generationId ?? input.generationId;
  await insertAccepted(transaction, { ...input, generationId });
  if (idempotency !== undefined) await insertKey(transaction, { ...idempotency, input, generationId });
  return { kind: 'accepted', generationId };
}

async function takeKey(transaction: Transaction<DatabaseSchema>, caller: string, key: IdempotencyKey) {
  await lockName(transaction, lockNameOf(caller, key));
  const repeat = await findRepeat(transaction, caller, key);
  if (repeat?.kind === 'never_started') {
    // Its key goes with it; the same id then makes a second workflow impossible if the first was only very late.
    await transaction.deleteFrom('generations').where('id', '=', repeat.generationId).execute();
  }
  return repeat;
}

async function spendBeyondLimit(
  transaction: Transaction<DatabaseSchema>,
  { input: { caller, reservedUsd }, dailyLimitUsd }: AcceptOrder,
): Promise<DailySpend | undefined> {
  if (dailyLimitUsd === undefined) return undefined;
  await lockSpend(transaction, caller);
  const spend = await dailySpend(transaction, caller);
  return roundUsd(spend.usedUsd + reservedUsd) > dailyLimitUsd ? spend : undefined;
}

async function insertAccepted(
  transaction: Transaction<DatabaseSchema>,
  input: GenerationInput,
): Promise<void> {
  const { generationId, characterId, nsfw, flowRequest, plan, lineage } = input;
  await transaction
    .insertInto('generations')
    .values({
      id: generationId,
      workflow_id: workflowIdOf({ flow: flowRequest.flow, characterId, generationId }),
      flow: flowRequest.flow,
      character_id: characterId,
      nsfw,
      status: 'accepted',
      caller: input.caller,
      reserved_usd: input.reservedUsd,
      request: JSON.stringify(flowRequest),
      parent_generation_id: lineage?.generationId ?? null,
      parent_slot: lineage?.slot ?? null,
    })
    .execute();
  const slots = plan.slots.map((slot) => slotRow(generationId, pendingSlot(slot)));
  await transaction.insertInto('slots').values(slots).execute();
}
