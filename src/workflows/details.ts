import type { GenerationState, SlotState } from '../domain/generation';

/** The table the Temporal UI shows as current details (Markdown). */
export function detailsTable(state: GenerationState): string {
  const atRisk = state.atRiskUsd > 0 ? ` · **$${state.atRiskUsd} at risk**` : '';
  const head = `**${state.status}** · $${state.costUsd}${state.costEstimated ? ' (estimated)' : ''}${atRisk}`;
  const rows = state.slots.map(slotRow);
  return [
    head,
    '',
    '| slot | shows | status | provider | endpoint | attempts | USD | at risk | note |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

function slotRow(slot: SlotState): string {
  const { status, provider, endpoint, attempts, costUsd, atRiskUsd } = slot;
  const cells = [
    slot.slot,
    slot.label,
    status,
    provider ?? '',
    endpoint ?? '',
    attempts.length,
    costUsd,
    atRiskUsd,
    noteOf(slot),
  ];
  return `| ${cells.join(' | ')} |`;
}

function noteOf({ waiting, decision, racing, error }: SlotState): string {
  if (racing !== undefined) return `slow: ${racing.provider} ${racing.endpoint} is asked as well`;
  if (decision !== undefined) return `resubmit or give up? A submit to ${decision.provider} was lost.`;
  if (waiting !== undefined) return `waiting until ${waiting.nextTryAt}: ${waiting.reason}`;
  return error === undefined ? '' : `${error.code}: ${error.message}`;
}
