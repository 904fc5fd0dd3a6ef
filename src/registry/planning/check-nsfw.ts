import type { RefusalIssue } from '../refusal';
import type { RoutingContext } from '../types';
import { checkMinors, type CheckedTexts } from './check-minors';

/** What stands against a request for what it shows: NSFW that is switched off, and texts that suggest a minor. */
export function checkNsfw(nsfw: boolean, texts: CheckedTexts, context: RoutingContext): RefusalIssue[] {
  const issues = checkMinors(nsfw, texts, context);
  return nsfw && !context.nsfwEnabled ? [switchedOff, ...issues] : issues;
}

const switchedOff: RefusalIssue = {
  field: 'nsfw',
  code: 'nsfw_disabled',
  message: 'NSFW is switched off here; leave nsfw out, or have the operator set NSFW_ENABLED=true',
};
