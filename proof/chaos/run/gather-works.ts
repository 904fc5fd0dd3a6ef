import type { SlotOutcome, WorkOutcome } from '../analysis/evidence';
import type { WorkItem } from '../work/work-item';
import { assetProblem } from './check-asset';
import { readGeneration, type GenerationAnswer } from './generation-answer';
import type { PatientClient } from './http-client';
import type { StartedWork } from './start-works';

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
  const asked = { workId, flow, images, seed, otherIds: work?.otherIds ?? [] };
  if (work === undefined) return { ...asked, slots: [] };
  const { generationId } = work;
  const generation = await readGeneration(client, generationId);
  if (generation === undefined) return { ...asked, generationId, slots: [] };
  const slots: SlotOutcome[] = [];
  for (const slot of generation.slots) slots.push(await slotOutcome(client, slot));
  const { status, error, extras, unsettledJobs } = generation;
  return { ...asked, generationId, status, errorCode: error?.code, slots, extras, unsettledJobs };
}

async function slotOutcome(
  client: PatientClient,
  slot: GenerationAnswer['slots'][number],
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
    assetProblem: status === 'completed' ? await assetProblem(client, slot) : undefined,
  };
}
