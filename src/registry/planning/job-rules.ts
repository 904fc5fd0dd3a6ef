import type { JobRules } from '../../domain/plan';
import type { BaseImagesRequest, Coherence } from '../../domain/requests';

type RuleFields = Pick<
  BaseImagesRequest,
  'unknownOutcome' | 'maxCostUsd' | 'minSuccess' | 'maxRefills' | 'hedge'
> & { coherence?: Coherence };

/** What a request says about money and sets. @param distinct whether its pictures are meant to differ */
export function jobRules(request: RuleFields, { distinct }: { distinct: boolean }): JobRules {
  const { unknownOutcome, maxCostUsd, minSuccess, maxRefills, hedge, coherence = 'preferred' } = request;
  return { unknownOutcome, maxCostUsd, minSuccess, maxRefills, hedge, coherence, distinct };
}
