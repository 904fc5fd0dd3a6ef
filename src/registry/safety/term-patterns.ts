import { normaliseText } from './normalise-text';

const boundaryBefore = String.raw`(?<!\p{L})`;
const boundaryAfter = String.raw`(?!\p{L})`;

/** The source of a pattern that finds one of the alternatives where it is no part of a longer word. */
export function wholeWord(alternatives: readonly string[]): string {
  return `${boundaryBefore}(?:${alternatives.join('|')})${boundaryAfter}`;
}

/** The source of a pattern for a term in normalised text: a space in it stands for any separator or none. */
export function termPattern(term: string): string {
  return normaliseText(term)
    .split(' ')
    .join(String.raw`[^\p{L}\p{N}]{0,3}`);
}

/** A whole word, except where one of the `next` alternatives follows it. */
export function termUnless(term: string, next: string): string {
  return `${wholeWord([termPattern(term)])}(?![^\\p{L}\\p{N}]{0,2}(?:${next})${boundaryAfter})`;
}

/** The source of a pattern for a term whose letters may stand apart or be doubled, and whose vowels may be starred. */
export function breakablePattern(term: string): string {
  return Array.from(term, breakableLetter).join(String.raw`[^\p{L}\p{N}]{0,2}`);
}

function breakableLetter(letter: string): string {
  return 'aeiou'.includes(letter) ? `(?:${letter}{1,3}|[*#])` : `${letter}{1,3}`;
}
