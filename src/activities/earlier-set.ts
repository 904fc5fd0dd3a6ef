import type { Lineage, SlotState } from '../domain/generation';
import type { EarlierSet } from '../domain/plan';

/** Generations as they were stored. */
export interface StoredGenerations {
  find(
    generationId: string,
  ): Promise<
    | { engines: string[]; slots: Pick<SlotState, 'slot' | 'asset'>[]; lineage?: Lineage | undefined }
    | undefined
  >;
}

/** What the new picture of a slot must fit: the other pictures of its set. `undefined` where the set is not on record. */
export async function findEarlierSet(
  generations: StoredGenerations,
  { generationId, slot }: Lineage,
): Promise<EarlierSet | undefined> {
  const set = await generations.find(generationId);
  if (set === undefined) return undefined;
  // A slot that was made anew before stands in the set it was made for.
  if (set.lineage !== undefined) return await findEarlierSet(generations, set.lineage);
  const pictures = set.slots.flatMap(({ slot: number, asset }) =>
    asset === undefined || number === slot ? [] : [{ slot: number, asset }],
  );
  return { engine: set.engines[0], pictures };
}
