import type { GenerationState, SlotState } from '../domain/generation';

/** The table the Temporal UI shows as current details (Markdown). */
export function detailsTable(state: GenerationState): string {
  const head = `**${state.status}** · $${state.costUsd}${state.costEstimated ? ' (estimated)' : ''}`;
  const rows = state.slots.map(slotRow);
  return [
    head,
    '',
    '| slot | shows | status | provider | endpoint | attempts | USD | note |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

function slotRow(slot: SlotState): string {
  const { status, provider, endpoint, attempts, costUsd } = slot;
  const cells = [
    slot.slot,
    slot.label,
    status,
    provider ?? '',
    endpoint ?? '',
    attempts.length,
    costUsd,
    noteOf(slot),
  ];
  return `| ${cells.join(' | ')} |`;
}

function noteOf({ waiting, error }: SlotState): string {
  if (waiting !== undefined) return `waiting until ${waiting.nextTryAt}: ${waiting.reason}`;
  return error === undefined ? '' : `${error.code}: ${error.message}`;
}
