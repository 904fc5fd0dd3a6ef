import type { JobRules } from '../../domain/plan';
import type { FlowRequest } from '../../domain/requests';

/** What the caller decided about money and sets, as the workflow follows it. */
export function jobRules(request: FlowRequest['request']): JobRules {
  const { unknownOutcome, maxCostUsd, minSuccess, maxRefills, hedge } = request;
  // Base images are made by different engines on purpose.
  const coherence = 'coherence' in request ? request.coherence : 'preferred';
  return { unknownOutcome, maxCostUsd, minSuccess, maxRefills, hedge, coherence };
}
