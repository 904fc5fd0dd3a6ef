import type { GenerationPlan } from '../../domain/plan';
import type { FlowRequest } from '../../domain/requests';
import { planCost } from '../plan-cost';
import type { RefusalIssue } from '../refusal';

/** What the rules of a job say against its own plan. */
export function checkJob({ slots, rules }: GenerationPlan, request: FlowRequest['request']): RefusalIssue[] {
  const { worstUsd } = planCost({ slots });
  const issues: RefusalIssue[] = [];
  if (rules.maxCostUsd !== undefined && rules.maxCostUsd < worstUsd) {
    issues.push({
      field: 'maxCostUsd',
      code: 'budget_too_small',
      message:
        `the dearest candidates of all slots cost ${String(worstUsd)} USD together, and that much is set aside ` +
        `before anything is submitted: raise it to ${String(worstUsd)} or more, or ask for less ` +
        '(POST /v1/route-plans without it shows every price)',
    });
  }
  if (rules.minSuccess > slots.length) {
    issues.push({
      field: 'minSuccess',
      code: 'more_than_asked',
      message: `the job makes ${String(slots.length)}: ask for no more than that to succeed`,
    });
  }
  if (request.reuse && request.seed === undefined) {
    issues.push({
      field: 'seed',
      code: 'seed_needed',
      message:
        'reuse finds the picture of the very same recipe, seed included: send a seed, or leave reuse out',
    });
  }
  return issues;
}
