import { hasNativeTerm } from './has-native-term';
import { normaliseText } from './normalise-text';
import { textReadings } from './text-readings';

export interface SearchedTerms {
  /** Sources of patterns for terms in Latin letters. They are looked for in every reading of a text. */
  latin: readonly string[];
  /** Terms of scripts without letter case, and stems: found anywhere in a text. */
  native: readonly string[];
}

/** Makes a search for terms that sees through the disguises of `textReadings`. */
export function createTermSearch({ latin, native }: SearchedTerms): (text: string) => boolean {
  const pattern = new RegExp(latin.join('|'), 'u');
  const stems = native.map(normaliseText);
  return (text) => {
    const normalised = normaliseText(text);
    if (hasNativeTerm(normalised, stems)) return true;
    for (const reading of textReadings(normalised)) {
      if (pattern.test(reading)) return true;
    }
    return false;
  };
}
