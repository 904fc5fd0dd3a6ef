import type { SlotOutcome, WorkOutcome } from '../analysis/evidence';
import type { WorkItem } from '../work/work-item';
import { type GenerationAnswer, readGeneration } from './generation-answer';
import { NoAnswer, type PatientClient } from './http-client';
import type { StartedWork } from './start-works';
import { createHash } from 'node:crypto';
import { pictureProblem } from './picture-problem';

/** What became of every request, with each picture read back. One after another: the machine is small. */
export async function gatherWorks(
  client: PatientClient,
  items: readonly WorkItem[],
  started: readonly StartedWork[],
): Promise<WorkOutcome[]> {
  const outcomes: WorkOutcome[] = [];
  for (const item of items) {
    const work = started.find((one) => one.item.workId === item.workId);
    outcomes.push(await outcomeOf(client, item, work));
  }
  return outcomes;
}

async function outcomeOf(
  client: PatientClient,
  item: WorkItem,
  work: StartedWork | undefined,
): Promise<WorkOutcome> {
  const { workId, flow, images, seed } = item;
  const mayRace = item.body['hedge'] === true;
  const asked = { workId, flow, images, seed, mayRace, otherIds: work?.otherIds ?? [] };
  if (work === undefined) return { ...asked, slots: [] };
  const { generationId } = work;
  const generation = await readGeneration(client, { id: generationId, caller: item.caller });
  if (generation === undefined) return { ...asked, generationId, slots: [] };
  const slots: SlotOutcome[] = [];
  for (const slot of generation.slots) slots.push(await slotOutcome(client, slot, item.caller));
  const { status, error, extras, unsettledJobs } = generation;
  return { ...asked, generationId, status, errorCode: error?.code, slots, extras, unsettledJobs };
}

async function slotOutcome(
  client: PatientClient,
  slot: GenerationAnswer['slots'][number],
  caller: string | undefined,
): Promise<SlotOutcome> {
  const { slot: number, status, seed, attempts, costUsd, atRiskUsd, error } = slot;
  return {
    slot: number,
    status,
    seed,
    attempts,
    costUsd,
    atRiskUsd,
    errorCode: error?.code,
    assetProblem: status === 'completed' ? await assetProblem(client, slot, caller) : undefined,
  };
}

/** What is wrong with a delivered picture; `undefined` when it can be read, is what it is called, and shows something. */
async function assetProblem(
  client: PatientClient,
  asset: { assetId: string | null; assetUrl: string | null },
  caller: string | undefined,
): Promise<string | undefined> {
  if (asset.assetId === null || asset.assetUrl === null) return 'the slot is completed without a picture';
  try {
    const bytes = await client.download(asset.assetUrl, caller);
    const digest = createHash('sha256').update(bytes).digest('hex');
    if (digest !== asset.assetId) return 'the bytes are not those the picture is named after';
    return await pictureProblem(bytes);
  } catch (error) {
    if (error instanceof NoAnswer) return error.message;
    throw error;
  }
}
