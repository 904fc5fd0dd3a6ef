import { listedTerms } from './listed-terms';
import { termPattern, wholeWord } from './term-patterns';
import { createTermSearch } from './term-search';

/** Words for a child that are as often said of adults. */
const openTerms = listedTerms(`
  English, French:
    girl, girls, girly, boy, boys, lass, lassie, lad, fille, filles, garcon, garcons,
`);

/** Whether a text calls somebody a girl or a boy, so that nobody can say whether an adult is meant. */
export const leavesAgeOpen = createTermSearch({
  latin: [wholeWord(openTerms.map(termPattern))],
  native: ['女孩', '男孩', '女の子', '男の子'],
});
