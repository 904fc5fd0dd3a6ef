import { explicitTerms, explicitTermsUnless, nativeExplicitTerms } from './explicit-terms';
import { hasNativeTerm } from './has-native-term';
import { normaliseText } from './normalise-text';
import { termPattern, termUnless, wholeWord } from './term-patterns';
import { textReadings } from './text-readings';

/** Whether a text plainly asks for nudity or sex, so that it must be declared `nsfw`. */
export function asksForExplicit(text: string): boolean {
  const native = normaliseText(text);
  if (hasNativeTerm(native, nativeStems)) return true;
  for (const reading of textReadings(native)) {
    if (pattern.test(reading)) return true;
  }
  return false;
}

const pattern = new RegExp(
  [
    wholeWord(explicitTerms.map(termPattern)),
    ...explicitTermsUnless.map(([term, next]) => termUnless(term, next)),
  ].join('|'),
  'u',
);
const nativeStems = nativeExplicitTerms.map(normaliseText);
