import { hasNativeTerm } from './has-native-term';
import { normaliseText } from './normalise-text';
import { breakableSexualTerms, latinSexualTerms, nativeSexualTerms } from './sexual-terms';
import { breakablePattern, termPattern, wholeWord } from './term-patterns';
import { textReadings } from './text-readings';

/**
 * Whether a text speaks of nudity or sex, in the languages and disguises that `suggestsMinor` reads. Broad on purpose,
 * because it refuses nothing by itself.
 */
export function suggestsSexual(text: string): boolean {
  const native = normaliseText(text);
  if (hasNativeTerm(native, nativeStems)) return true;
  for (const reading of textReadings(native)) {
    if (latinPattern.test(reading)) return true;
  }
  return false;
}

const latinPattern = new RegExp(
  [wholeWord(latinSexualTerms.map(termPattern)), wholeWord(breakableSexualTerms.map(breakablePattern))].join(
    '|',
  ),
  'u',
);
const nativeStems = nativeSexualTerms.map(normaliseText);
