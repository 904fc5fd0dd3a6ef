import { readAsLatin } from './look-alikes';

/**
 * The ways a normalised text can be read: as written, by the look of its letters, with digits and symbols as letters,
 * with letters pulled together, without drawn-out letters. No two are equal.
 */
export function textReadings(native: string): ReadonlySet<string> {
  const looks = [native, readAsLatin(native)];
  const leet = looks.flatMap((look) => [look, readSymbols(look, 'i'), readSymbols(look, 'l')]);
  const joined = leet.flatMap((reading) => [reading, joinLetters(reading), dropInnerMarks(reading)]);
  return new Set(
    joined.flatMap((reading) => [reading, shortenRuns(reading, '$1$1'), shortenRuns(reading, '$1')]),
  );
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
