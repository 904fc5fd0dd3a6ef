import type { EarlierRuns } from './forgotten';
import type { GenerationState } from './generation';
import { progressQueryName } from './messages';

/** As much of a Temporal client as is needed to ask the runs of a workflow. */
export interface AskableRuns {
  list(options: { query: string }): AsyncIterable<{ runId: string; status: { name: string } }>;
  getHandle(workflowId: string, runId: string): { query<Answer>(name: string): Promise<Answer> };
}

/**
 * Asks the runs of a workflow that `runs` do not go on from, which are those before a reset, what they knew last. Never
 * throws: whoever cannot be asked is missing.
 */
export async function earlierRuns(
  workflow: AskableRuns,
  workflowId: string,
  runs: readonly string[],
): Promise<EarlierRuns> {
  try {
    const ids = await runsBefore(workflow, workflowId, runs);
    const states = await Promise.all(
      ids.map((id) => workflow.getHandle(workflowId, id).query<GenerationState>(progressQueryName)),
    );
    return { states, isComplete: states.length > 0 };
  } catch {
    return { states: [], isComplete: false };
  }
}

async function runsBefore(
  workflow: AskableRuns,
  workflowId: string,
  runs: readonly string[],
): Promise<string[]> {
  const ids: string[] = [];
  for await (const { runId, status } of workflow.list({
    query: `WorkflowId = ${JSON.stringify(workflowId)}`,
  })) {
    // What a run that rested knew is known to the one that went on.
    if (!runs.includes(runId) && status.name !== 'CONTINUED_AS_NEW') ids.push(runId);
  }
  return ids;
}
