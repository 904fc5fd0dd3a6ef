import type { RefusalIssue } from '../refusal';
import { leavesAgeOpen } from '../safety/leaves-age-open';
import { suggestsMinor } from '../safety/suggests-minor';
import { suggestsSexual } from '../safety/suggests-sexual';
import type { RoutingContext } from '../types';

/** Texts of a request that shape the picture, by request field. Negative prompts name what must not be there. */
export type CheckedTexts = Readonly<Record<string, string | undefined>> & { prompt?: string | undefined };

/**
 * An issue for each text that suggests a minor, where that is refused: in an NSFW request, in every request while NSFW
 * is switched on here, and beside a sexual word in any of the texts, whatever is declared or switched on. Beside such a word,
 * and in an NSFW request, also for each that leaves open whether an adult is meant.
 */
export function checkMinors(
  nsfw: boolean,
  texts: CheckedTexts,
  { nsfwEnabled }: Pick<RoutingContext, 'nsfwEnabled'>,
): RefusalIssue[] {
  const given = Object.entries(texts).flatMap(([field, text]) =>
    text === undefined ? [] : [{ field, text }],
  );
  const isSexual = nsfw || given.some(({ text }) => suggestsSexual(text));
  if (!isSexual && !nsfwEnabled) return [];
  const suspicious = given.filter(({ text }) => suggestsMinor(text));
  if (suspicious.length > 0) return suspicious.map(({ field }) => minorIssue(field));
  // The server puts the trigger word before the prompt: "15" and "year old woman" are harmless only apart.
  const together = given.map(({ text }) => text);
  const isSuspicious = suggestsMinor(together.join(' ')) || suggestsMinor([...together].reverse().join(' '));
  if (isSuspicious) return given.map(({ field }) => minorIssue(field));
  if (!isSexual) return [];
  const open = given.filter(({ text }) => leavesAgeOpen(text));
  return open.map(({ field }) => ({ field, code: 'age_unclear', message: unclear }));
}

const unclear =
  'beside nudity or sex "girl" and "boy" may mean a minor, and only adults are shown: write woman or man';

function minorIssue(field: string): RefusalIssue {
  return {
    field,
    code: 'minor_suggested',
    message:
      'only adults are shown in NSFW pictures, and anywhere while NSFW is switched on: reword whatever suggests someone under 18',
  };
}
