import { explicitTerms, explicitTermsUnless, nativeExplicitTerms } from './explicit-terms';
import { termPattern, termUnless, wholeWord } from './term-patterns';
import { createTermSearch } from './term-search';

/** Whether a text plainly asks for nudity or sex, so that it must be declared `nsfw`. */
export const asksForExplicit = createTermSearch({
  latin: [
    wholeWord(explicitTerms.map(termPattern)),
    ...explicitTermsUnless.map(([term, next]) => termUnless(term, next)),
  ],
  native: nativeExplicitTerms,
});
