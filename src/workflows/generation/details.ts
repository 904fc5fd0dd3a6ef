import type { GenerationState, SlotState, SlotWait } from '../../domain/generation';

/** The table the Temporal UI shows as current details (Markdown). */
export function detailsTable(state: GenerationState): string {
  const atRisk = state.atRiskUsd > 0 ? ` · **$${state.atRiskUsd} at risk**` : '';
  const deadline = state.finishedAt === undefined && state.deadlineAt ? ` · until ${state.deadlineAt}` : '';
  const head = `**${state.status}** · $${state.costUsd}${state.costEstimated ? ' (estimated)' : ''}${atRisk}${deadline}`;
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
  if (waiting !== undefined) return waitingNote(waiting);
  return error === undefined ? '' : `${error.code}: ${error.message}`;
}

/** The next probe stands with the watches themselves, which change it without telling every job that waits. */
function waitingNote({ since, nextTryAt, reason, watched }: SlotWait): string {
  const watches = watched.length === 0 ? '' : `, or when the provider-watch of ${watched.join(', ')} says so`;
  return `waiting since ${since}, until ${nextTryAt}${watches}: ${reason}`;
}
