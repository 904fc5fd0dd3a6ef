import { accentedAge } from './ages-beside-words';
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
import { hasNativeTerm } from './has-native-term';
import { normaliseText } from './normalise-text';
import { breakablePattern, termPattern, termUnless, wholeWord } from './term-patterns';
import { textReadings } from './text-readings';

/**
 * Whether a prompt suggests someone under 18: words and ages in two dozen languages, also spaced out, misspelt with
 * digits and symbols, or written with look-alike letters. Errs on refusing; pure, so that a birth year is judged by a
 * constant (`youngestAdultBirthYear`).
 */
export function suggestsMinor(text: string): boolean {
  const native = withoutHarmlessPhrases(normaliseText(text));
  if (hasNativeTerm(native, nativeStems) || cyrillicPattern.test(native)) return true;
  if (accentedPattern.test(text.normalize('NFKC').toLowerCase())) return true;
  for (const reading of textReadings(native)) {
    if (namesMinorAge(reading) || latinPattern.test(reading)) return true;
  }
  return false;
}

function withoutHarmlessPhrases(native: string): string {
  return harmlessPhrases.reduce((rest, phrase) => rest.replaceAll(phrase, ' '), native);
}

const latinPattern = new RegExp(
  [
    wholeWord(latinTerms.map(termPattern)),
    ...latinTermsUnless.map(([term, next]) => termUnless(term, next)),
    wholeWord(breakableTerms.map(breakablePattern)),
  ].join('|'),
  'u',
);
const accentedPattern = new RegExp(`${wholeWord(accentedWords)}|${accentedAge}`, 'u');
const cyrillicPattern = new RegExp(wholeWord(cyrillicWords.map(normaliseText)), 'u');
const nativeStems = nativeTerms.map(normaliseText);
