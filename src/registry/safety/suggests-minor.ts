import { readAsLatin } from './look-alikes';
import { namesMinorAge } from './minor-ages';
import {
  accentedWords,
  breakableTerms,
  cyrillicWords,
  harmlessPhrases,
  latinTerms,
  latinTermsUnless,
  nativeTerms,
} from './minor-terms';
import { normaliseText } from './normalise-text';

/**
 * Whether a prompt suggests someone under 18: words and ages in a dozen languages, also spaced out, misspelt with
 * digits and symbols, or written with look-alike letters. Errs on refusing: meant for NSFW requests, not for all.
 */
export function suggestsMinor(text: string): boolean {
  const native = withoutHarmlessPhrases(normaliseText(text));
  if (hasNativeTerm(native) || accentedPattern.test(text.normalize('NFKC').toLowerCase())) return true;
  const readings = new Set(readingsOf(native));
  for (const reading of readings) {
    if (namesMinorAge(reading) || latinPattern.test(reading) || breakablePattern.test(reading)) return true;
  }
  return false;
}

function withoutHarmlessPhrases(native: string): string {
  return harmlessPhrases.reduce((rest, phrase) => rest.replaceAll(phrase, ' '), native);
}

const boundaryBefore = String.raw`(?<!\p{L})`;
const boundaryAfter = String.raw`(?!\p{L})`;

const latinPattern = new RegExp(
  [
    `${boundaryBefore}(?:${latinTerms.map(termPattern).join('|')})${boundaryAfter}`,
    ...latinTermsUnless.map(
      ([term, next]) =>
        `${boundaryBefore}${termPattern(term)}${boundaryAfter}(?![^\\p{L}\\p{N}]{0,2}(?:${next})${boundaryAfter})`,
    ),
  ].join('|'),
  'u',
);

/** A space in a term stands for any separator or none. */
function termPattern(term: string): string {
  return normaliseText(term)
    .split(' ')
    .join(String.raw`[^\p{L}\p{N}]{0,3}`);
}

/** Letters may stand apart, vowels may be starred out. */
const breakablePattern = new RegExp(
  `${boundaryBefore}(?:${breakableTerms.map((term) => Array.from(term, breakableLetter).join('[^\\p{L}\\p{N}]{0,2}')).join('|')})${boundaryAfter}`,
  'u',
);

function breakableLetter(letter: string): string {
  return 'aeiou'.includes(letter) ? `[${letter}*#]` : letter;
}

const accentedPattern = new RegExp(`${boundaryBefore}(?:${accentedWords.join('|')})${boundaryAfter}`, 'u');

const nativeStems = nativeTerms.map(normaliseText);
const cyrillicPattern = new RegExp(
  `${boundaryBefore}(?:${cyrillicWords.map(normaliseText).join('|')})${boundaryAfter}`,
  'u',
);

function hasNativeTerm(native: string): boolean {
  const closed = native.replace(/[^\p{L}\p{M}\p{N}\p{Extended_Pictographic}]/gu, '');
  return (
    nativeStems.some((term) => native.includes(term) || closed.includes(term)) || cyrillicPattern.test(native)
  );
}

/** The ways a text can be read: as written, by look, with symbols as letters, with letters pulled together. */
function readingsOf(native: string): string[] {
  const looks = [native, readAsLatin(native)];
  const leet = looks.flatMap((look) => [look, readSymbols(look, 'i'), readSymbols(look, 'l')]);
  const joined = leet.flatMap((reading) => [reading, joinLetters(reading), dropInnerMarks(reading)]);
  return joined.flatMap((reading) => [reading, shortenRuns(reading, '$1$1'), shortenRuns(reading, '$1')]);
}

const symbolLetters: Readonly<Record<string, string>> = {
  '0': 'o',
  '2': 'z',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '6': 'g',
  '7': 't',
  '8': 'b',
  '9': 'g',
  '@': 'a',
  $: 's',
  '€': 'e',
  '£': 'l',
  '(': 'c',
  '+': 't',
};

/** Digits and symbols as the letters they stand for, in words that have letters, too. `1`, `!` and `|` are i or l. */
function readSymbols(text: string, upright: 'i' | 'l'): string {
  return text.replace(/[\p{L}\d@$€£!|+(]{2,}/gu, (word) => {
    if (!/\p{L}/u.test(word)) return word;
    return word.replace(/[\d@$€£!|+(]/g, (symbol) => symbolLetters[symbol] ?? upright);
  });
}

/** `l o l i` and `t.e.e.n` as the word they spell. */
function joinLetters(text: string): string {
  return text.replace(/(?<![\p{L}\p{N}])\p{L}(?:[^\p{L}\p{N}]{1,3}\p{L}(?![\p{L}\p{N}])){2,}/gu, (letters) =>
    letters.replace(/[^\p{L}]/gu, ''),
  );
}

/** `t-een` and `sch*ool` without the marks inside. */
function dropInnerMarks(text: string): string {
  return text.replace(/(?<=\p{L})[^\p{L}\p{N}\s]+(?=\p{L})/gu, '');
}

/** `teeeen` as `teen`, `looli` stays: only runs of three and more are drawn out. */
function shortenRuns(text: string, replacement: string): string {
  return text.replace(/(\p{L})\1{2,}/gu, replacement);
}
