import { breakableSexualTerms, latinSexualTerms, nativeSexualTerms } from './sexual-terms';
import { breakablePattern, termPattern, wholeWord } from './term-patterns';
import { createTermSearch } from './term-search';

/**
 * Whether a text speaks of nudity or sex, in the languages and disguises that `suggestsMinor` reads. Broad on purpose,
 * because it refuses nothing by itself.
 */
export const suggestsSexual = createTermSearch({
  latin: [
    wholeWord(latinSexualTerms.map(termPattern)),
    wholeWord(breakableSexualTerms.map(breakablePattern)),
  ],
  native: nativeSexualTerms,
});
