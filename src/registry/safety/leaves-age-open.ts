import { hasNativeTerm } from './has-native-term';
import { normaliseText } from './normalise-text';
import { termPattern, wholeWord } from './term-patterns';
import { textReadings } from './text-readings';

/** Words for a child that are as often said of adults. */
const openTerms = [
  'girl',
  'girls',
  'girly',
  'boy',
  'boys',
  'lass',
  'lassie',
  'lad',
  'fille',
  'filles',
  'garcon',
  'garcons',
];
const nativeOpenTerms = ['女孩', '男孩', '女の子', '男の子'].map(normaliseText);
const pattern = new RegExp(wholeWord(openTerms.map(termPattern)), 'u');

/** Whether a text calls somebody a girl or a boy, so that nobody can say whether an adult is meant. */
export function leavesAgeOpen(text: string): boolean {
  const native = normaliseText(text);
  if (hasNativeTerm(native, nativeOpenTerms)) return true;
  for (const reading of textReadings(native)) {
    if (pattern.test(reading)) return true;
  }
  return false;
}
