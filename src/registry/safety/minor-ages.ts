import { ageEnd, minorDigits as digits, notCounted } from './age-patterns';
import { agesBesideWords } from './ages-beside-words';
import { agesInOtherLanguages } from './ages-in-languages';
import { birthYear } from './birth-years';

/**
 * Ages under 18 in digits and in words. Patterns run on normalised text. A number counts only beside a word that makes
 * it an age, so sizes, lenses, times and `thirteen candles` stay free.
 */

const englishNumbers =
  'zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen';
const tens = 'twenty|thirty|fou?rty|fifty|sixty|seventy|eighty|ninety|hundred';
const englishWords = `(?<!(?:${tens})[\\s-]{0,3}(?:and[\\s-])?)\\b(?:${englishNumbers})`;
const englishAge = `(?:${digits}|${englishWords})`;

const teenNumbers = 'eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen';
const somebody =
  '\\b(?:girls?|boys?|wom[ae]n|m[ae]n|lad(?:y|ies)|persons?|models?|females?|males?|guys?|gals?|lass|dancers?|actress|students?|pupils?|' +
  'brunettes?|blondes?|redheads?|beauty|character|someone|somebody|daughter|sister|niece|cheerleader)';

const bare = '(?:nude|naked|topless|undressed|unclothed|sexy)';

const gap = String.raw`[\s.,'’-]{0,3}`;
/** 12 years, where they are no length of time: `after 10 years`. */
const years = `(?<!(?:for|over|past|last|after|in|since|within|took|next|every)\\s)${digits}${gap}(?:years?|yrs?)`;
/** The separators stand outside the choice of words: a run of them must be readable in one way only, or it takes for ever. */
const filler = String.raw`(?:[\s:=~]*(?:about|around|only|just|barely|nearly|almost|maybe|like|of|is|to|be|a|the|at)){0,4}[\s:=~]*`;

/** Things that are known by their age, which then stands for no person; `12 year old cat girl` stays one. */
const aged =
  '(?:[\\s-]+(?:single|malt|red|white|leather|brick|stone|wooden|oak|vintage|family)){0,2}[\\s-]+' +
  '(?:sofas?|couch|whisk(?:e?y|ies)|scotch|bourbon|rum|wine|cheese|cars?|truck|house|home|building|trees?|dogs?|cats?|horse|laptop)';
const ofAThing = `${aged}(?=\\s*(?:$|[,;.!?)\\]\\n])|\\s(?:in|on|at|with|and|next|beside|near|behind|by|from|under)\\s)`;

/** Her 18th birthday, not yet reached. */
const adulthood = String.raw`(?:(?:her|his|their|your|my|the)\s)?(?:18th|eighteenth)\s?(?:birthday|bday)`;

const below = '\\b(?:under|below|beneath|less\\sthan|younger\\sthan)';
const ofAge = '(?:the\\sage\\sof\\s|age\\s)?';
const notYet =
  "\\b(?:not|isn['’]?t|hasn['’]?t|aren['’]?t|never|nearly|almost|soon)(?:\\s(?:yet|even|quite|turned|turning|reached|had|to|be|turn)){0,3}";

const roman = String.raw`(?<!\p{L})(?:x(?:vii|vi|v|iv|iii|ii|i)|ix|x|viii|vii|vi|iv|iii|ii)`;

const english: readonly string[] = [
  // 17 years old, 17-year-old, 17yo, 17 y/o, 17 y.o., sixteen years young, 16 yrs
  `${englishAge}${gap}(?:years?|yrs?|y|yr)${gap}/?${gap}(?:olds?|o(?:ld)?|young|of age)(?!\\p{L}|${ofAThing})`,
  `${roman}${gap}(?:years?|yrs?)${gap}(?:olds?|young|of age)(?!\\p{L}|${ofAThing})`,
  `${englishAge}${gap}(?:yo|yrs?o|yold|y/o)(?!\\p{L}|${ofAThing})`,
  `${years}\\s*(?=$|[,;.!?)\\]\\n])`,
  // 12 yr nude, 14yrs girl; nude seventeen
  `${years}\\s(?:${bare}|girl|boy|woman|man|lady|female|male|f|m)\\b`,
  `\\b${bare}\\s(?:1[0-7]|${teenNumbers})${ageEnd}`,
  // looks very young
  `\\b(?:very|too|extremely|really|super)\\syoung\\b(?!\\s(?:at\\sheart|puppy|kitten|tree|wine|cheese|dog|cat))`,
  // aged 15, age: 15, at the age of fifteen
  `\\b(?:aged?|ages)(?:[\\s:=~]*-+)?${filler}${englishAge}(?!\\p{L}|\\s?(?:%|percent|th century))`,
  // she is 16, turning sixteen, looks 15, only 14: where nothing countable follows
  `\\b(?:she|he|girl|boy|is|s|was|im|am|turn|turns|turned|turning|looks?|looking|appears)[\\s'’]{1,3}${filler}${englishAge}(?=\\s*(?:$|[,;.!?)\\]\\n]|(?:and|but|with|in|who|wearing|naked|nude|now|today)\\b))`,
  // 7th grade, a 10th grader
  String.raw`(?<!\d)(?:[1-9]|1[0-2])(?:st|nd|rd|th)[\s-]?grade`,
  // a girl, 16; barely 16; a woman (16), but not woman 1 and woman 2
  `\\b(?:girl|boy|barely|only|just)(?:[\\s,(-]{1,3}|:\\s?(?=1))${englishAge}${ageEnd}`,
  `\\b(?:woman|man|lady|model|female|male)(?:[\\s,(-]{1,3}|:\\s?)(?=1[0-7]|\\p{L})${englishAge}${ageEnd}`,
  // a woman of 15, a girl of only twelve at school; but not a woman of two worlds
  `${somebody}\\sof\\s${filler}(?:${digits}|(?:${teenNumbers})\\b)${notCounted}`,
  `${somebody}\\sof\\s${filler}${englishWords}${ageEnd}`,
  // her 16th birthday, not yet 18, under eighteen, younger than 18, (16f), 14 months old
  `${englishAge}(?:th|st|nd|rd)?\\s?(?:birthday|bday)`,
  `\\b(?:sixteenth|fifteenth|fourteenth|thirteenth|seventeenth|twelfth|tenth)\\s?(?:birthday|bday)`,
  `(?:${below}|${notYet}|before|until|till)[\\s-]${ofAge}${adulthood}`,
  `${below}[\\s-]${ofAge}(?:1[0-8]s?|eighteen|${englishNumbers})${notCounted}`,
  `\\bnot\\s(?:yet|even)\\s${ofAge}(?:1[0-8]|eighteen|${englishNumbers})${notCounted}`,
  `${notYet}\\s${ofAge}(?:1[0-8]|eighteen)(?:${ageEnd}|\\s(?:yet|years?|yrs?|yo|and|but|in|on|at|with|who|nude|naked)\\b)`,
  `\\b(?:18|eighteen)\\s(?:not\\syet|soon|tomorrow|next\\s(?:week|month|year))\\b`,
  // u18, sub-18, <18
  `(?<![\\p{L}\\p{N}])(?:u|sub)[\\s-]?1[0-8]${notCounted}`,
  `<\\s?1[0-8]${notCounted}`,
  `(?:^|[\\s([])1[0-7]\\s?[f](?=$|[\\s)\\],.])`,
  `${englishAge}${gap}(?:months?|weeks?|days?)${gap}(?:olds?)\\b`,
];

const agePatterns: readonly RegExp[] = [
  ...english,
  ...agesInOtherLanguages,
  ...agesBesideWords,
  birthYear,
].map((pattern) => new RegExp(pattern, 'u'));

/** Whether a normalised text gives someone an age under 18. */
export function namesMinorAge(text: string): boolean {
  return agePatterns.some((pattern) => pattern.test(text));
}
