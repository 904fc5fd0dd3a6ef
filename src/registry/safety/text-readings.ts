import { readAsLatin } from './look-alikes';

/**
 * The ways a normalised text can be read: as written, by the look of its letters, with letters as the digits of a number,
 * with digits and symbols as letters, with letters pulled together, without drawn-out letters. No two are equal.
 */
export function textReadings(native: string): ReadonlySet<string> {
  const looks = [native, readAsLatin(native)].flatMap((look) => [look, readDigits(look)]);
  const leet = looks.flatMap((look) => [look, readSymbols(look, 'i'), readSymbols(look, 'l')]);
  const joined = leet.flatMap((reading) => [reading, joinLetters(reading), dropInnerMarks(reading)]);
  return new Set(
    joined.flatMap((reading) => [reading, shortenRuns(reading, '$1$1'), shortenRuns(reading, '$1')]),
  );
}

const letterDigits: Readonly<Record<string, string>> = {
  o: '0',
  i: '1',
  l: '1',
  '!': '1',
  '|': '1',
  z: '2',
  з: '3',
  ӡ: '3',
  ʒ: '3',
  ɜ: '3',
  ч: '4',
  s: '5',
  б: '6',
  b: '6',
  g: '9',
};
const digitLike = `[\\d${Object.keys(letterDigits).join('')}]`;
const numberLike = new RegExp(
  `(?<![\\p{L}\\d])(?=${digitLike}?\\d)${digitLike}{2}(?=y|(?![\\p{L}\\d]))`,
  'gu',
);

/** Letters as the digits they pass for, in a number of two that has a real digit, too: `l5`, `1Зyo`. */
function readDigits(text: string): string {
  return text.replace(numberLike, (number) =>
    number.replace(/\D/g, (letter) => letterDigits[letter] ?? letter),
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
