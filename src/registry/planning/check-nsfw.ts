import type { RefusalIssue } from '../refusal';
import type { RoutingContext } from '../types';
import { asksForExplicit } from '../safety/asks-for-explicit';
import { checkMinors, type CheckedTexts } from './check-minors';

/**
 * What stands against a request for what it shows: NSFW that is switched off, or that is asked for and not declared, and
 * texts that suggest a minor.
 */
export function checkNsfw(nsfw: boolean, texts: CheckedTexts, context: RoutingContext): RefusalIssue[] {
  const issues = checkMinors(nsfw, texts, context);
  if (nsfw && !context.nsfwEnabled) return [switchedOff, ...issues];
  return issues.length > 0 || nsfw ? issues : undeclared(texts.prompt, context);
}

/** A prompt that plainly asks for nudity or sex would take the SFW route, and Fal may stand on it. */
export function undeclared(
  prompt: string | undefined,
  { nsfwEnabled }: Pick<RoutingContext, 'nsfwEnabled'>,
): RefusalIssue[] {
  if (prompt === undefined || !asksForExplicit(prompt)) return [];
  const wayOut = nsfwEnabled ? 'set nsfw: true, or reword it' : 'there is no NSFW here, so reword it';
  const message = `asks for nudity or sex in a request that is not declared NSFW: ${wayOut}`;
  return [{ field: 'prompt', code: 'nsfw_undeclared', message }];
}

const switchedOff: RefusalIssue = {
  field: 'nsfw',
  code: 'nsfw_disabled',
  message: 'NSFW is switched off here; leave nsfw out, or have the operator set NSFW_ENABLED=true',
};
