import type { RefusalIssue } from '../refusal';
import { suggestsMinor } from '../safety/suggests-minor';
import type { RoutingContext } from '../types';

/** Texts of a request that shape the picture, by request field. Negative prompts name what must not be there. */
export type CheckedTexts = Readonly<Record<string, string | undefined>>;

/** What stands against an NSFW request: the switch, and texts that suggest a minor whatever the switch says. */
export function checkNsfw(
  nsfw: boolean,
  texts: CheckedTexts,
  { nsfwEnabled }: RoutingContext,
): RefusalIssue[] {
  if (!nsfw) return [];
  const issues: RefusalIssue[] = [];
  if (!nsfwEnabled) {
    issues.push({
      field: 'nsfw',
      code: 'nsfw_disabled',
      message: 'NSFW is switched off here; leave nsfw out, or have the operator set NSFW_ENABLED=true',
    });
  }
  for (const [field, text] of Object.entries(texts)) {
    if (text !== undefined && suggestsMinor(text)) issues.push(minorIssue(field));
  }
  return issues;
}

function minorIssue(field: string): RefusalIssue {
  return {
    field,
    code: 'minor_suggested',
    message: 'NSFW pictures show adults only: reword whatever suggests someone under 18',
  };
}
