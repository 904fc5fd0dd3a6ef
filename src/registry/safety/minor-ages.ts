import { normaliseText } from './normalise-text';

/**
 * Ages under 18 in digits and in words. Patterns run on normalised text. A number counts only beside a word that makes
 * it an age, so sizes, lenses, times and `thirteen candles` stay free.
 */

/** 0-17, not part of a longer or a decimal number such as a prompt's weight; digits may be pulled apart (`1 7`). */
const digits = String.raw`(?<![\d.,:/])(?:0?\d|1\s?[0-7])(?!\s?\d|[.,]\d)`;

const englishNumbers =
  'zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen';
const tens = 'twenty|thirty|fou?rty|fifty|sixty|seventy|eighty|ninety|hundred';
const englishWords = `(?<!(?:${tens})[\\s-]{0,3}(?:and[\\s-])?)\\b(?:${englishNumbers})`;
const englishAge = `(?:${digits}|${englishWords})`;

const gap = String.raw`[\s.,'’-]{0,3}`;
const filler = String.raw`(?:(?:about|around|only|just|barely|nearly|almost|maybe|like|of|is|to|be|a|the|at|:|=|~)[\s:=~]*){0,4}`;

/** Nothing countable follows. */
const ageEnd = String.raw`(?=\s*(?:$|[,;.!?)\]\n]))`;

/** What may be counted after `under`, so that it is no age. */
const countedUnits =
  'percent|degrees?|seconds?|minutes?|hours?|am|pm|o|meters?|metres?|feet|foot|inch|inches|miles?|mm|cm|km|kg|lbs?|pounds?|' +
  'euros?|dollars?|people|persons|lights?|lamps?|layers?|stars?|steps?|words|megapixels?|mp|k|x';

const english: readonly string[] = [
  // 17 years old, 17-year-old, 17yo, 17 y/o, 17 y.o., sixteen years young, 16 yrs
  `${englishAge}${gap}(?:years?|yrs?|y|yr)${gap}/?${gap}(?:olds?|o(?:ld)?|young|of age)(?!\\p{L})`,
  `${englishAge}${gap}(?:yo|yrs?o|yold|y/o)(?!\\p{L})`,
  `(?<!(?:for|over|past|last|after|in|since|within|took|next|every)\\s)${digits}${gap}(?:years?|yrs?)\\s*(?=$|[,;.!?)\\]\\n])`,
  // aged 15, age: 15, at the age of fifteen
  `\\b(?:aged?|ages)[\\s:=~-]*${filler}${englishAge}(?!\\p{L}|\\s?(?:%|percent|th century))`,
  // she is 16, turning sixteen, looks 15, only 14: where nothing countable follows
  `\\b(?:she|he|girl|boy|is|s|was|im|am|turn|turns|turned|turning|looks?|looking|appears)[\\s'’]+${filler}${englishAge}(?=\\s*(?:$|[,;.!?)\\]\\n]|(?:and|but|with|in|who|wearing|naked|nude|now|today)\\b))`,
  // 7th grade, a 10th grader
  String.raw`(?<!\d)(?:[1-9]|1[0-2])(?:st|nd|rd|th)[\s-]?grade`,
  // a girl, 16; barely 16; a woman (16), but not woman 1 and woman 2
  `\\b(?:girl|boy|barely|only|just)(?:[\\s,(-]{1,3}|:\\s?(?=1))${englishAge}${ageEnd}`,
  `\\b(?:woman|man|lady|model|female|male)(?:[\\s,(-]{1,3}|:\\s?)(?=1[0-7]|\\p{L})${englishAge}${ageEnd}`,
  // her 16th birthday, not yet 18, under eighteen, younger than 18, (16f), 14 months old
  `${englishAge}(?:th|st|nd|rd)?\\s?(?:birthday|bday)`,
  `\\b(?:sixteenth|fifteenth|fourteenth|thirteenth|seventeenth|twelfth|tenth)\\s?(?:birthday|bday)`,
  `\\b(?:under|below|not\\s(?:yet|even)|less\\sthan|younger\\sthan)\\s(?:the\\sage\\sof\\s)?(?:1[0-8]|eighteen|${englishNumbers})(?!\\p{L}|\\d|${gap}(?:%|(?:${countedUnits})\\b))`,
  `(?:^|[\\s([])1[0-7]\\s?[f](?=$|[\\s)\\],.])`,
  `${englishAge}${gap}(?:months?|weeks?|days?)${gap}(?:olds?)\\b`,
];

const spelled: Readonly<Record<string, readonly [numbers: string, units: string]>> = {
  spanish: [
    'uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|trece|catorce|quince|dieciseis|diecisiete',
    'anitos|anos',
  ],
  portuguese: [
    'um|dois|tres|quatro|cinco|seis|sete|oito|nove|dez|onze|doze|treze|quatorze|catorze|quinze|dezesseis|dezasseis|dezessete|dezassete',
    'aninhos|anos',
  ],
  french: [
    'un|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze|seize|dix[\\s-]sept',
    'ans',
  ],
  german: [
    'ein|zwei|drei|vier|funf|sechs|sieben|acht|neun|zehn|elf|zwolf|dreizehn|vierzehn|funfzehn|sechzehn|siebzehn',
    'jahre|jahren|jahriges?|jahrigen?|jahriger|jaehriges?|jaehrigen?',
  ],
  italian: [
    'uno|due|tre|quattro|cinque|sei|sette|otto|nove|dieci|undici|dodici|tredici|quattordici|quindici|sedici|diciassette',
    'anni|annetti',
  ],
  dutch: [
    'een|twee|drie|vier|vijf|zes|zeven|acht|negen|tien|elf|twaalf|dertien|veertien|vijftien|zestien|zeventien',
    'jaar|jarige?n?',
  ],
  russian: [
    'один|два|три|четыре|пять|шесть|семь|восемь|девять|десять|одиннадцать|двенадцать|тринадцать|четырнадцать|пятнадцать|шестнадцать|семнадцать|' +
      'десяти|одиннадцати|двенадцати|тринадцати|четырнадцати|пятнадцати|шестнадцати|семнадцати',
    'лет|года?|летн\\p{L}*|рок[иі]в',
  ],
  polish: [
    'dziesiec|jedenascie|dwanascie|trzynascie|czternascie|pietnascie|szesnascie|siedemnascie',
    'lat|letnia|latka',
  ],
  turkish: ['on|on bir|on iki|on uc|on dort|on bes|on alti|on yedi', 'yasinda|yas'],
};

/** Tens the numbers above may follow, with or without an "and". */
const foreignTens = [
  'vingt|trente|quarante|cinquante|soixante|treinta|cuarenta|cincuenta|sesenta|setenta|ochenta|noventa',
  'vinte|trinta|quarenta|cinquenta|sessenta|oitenta|yirmi|otuz|kirk|elli|altmis|dwadziescia|trzydziesci|czterdziesci',
  'двадцать|тридцать|сорок|пятьдесят|шестьдесят|семьдесят|восемьдесят|девяносто|двадцати|тридцати|сорока|пятидесяти',
]
  .map(normaliseText)
  .join('|');
const notAfterTens = `(?<!\\p{L}|(?:${foreignTens})[\\s-]{1,2}(?:(?:e|et|y|i)[\\s-])?)`;

const otherLanguages = Object.values(spelled).map(
  ([numbers, units]) =>
    `(?:${digits}|${notAfterTens}(?:${normaliseText(numbers)}))[\\s-]{0,2}(?:${units})(?!\\p{L})`,
);

/** Chinese and Japanese numerals up to seventeen, not the end of a larger one. */
const hanNumber = '(?:(?<![二三四五六七八九百千])十[一二三四五六七]?|(?<![十百千])[一二三四五六七八九两])';
const koreanNumber =
  '(?<![가-힣])(?:열\\s?(?:하나|한|두|둘|세|셋|네|넷|다섯|여섯|일곱)?|한|두|세|네|다섯|여섯|일곱|여덟|아홉|십[일이삼사오육칠]?)';
const eastAsian: readonly string[] = [
  `(?:${digits}|${hanNumber})\\s?[岁歲歳才]`,
  `(?:${digits}|${koreanNumber})\\s?[살세](?![가-힣]{2})`,
];

const agePatterns: readonly RegExp[] = [...english, ...otherLanguages, ...eastAsian].map(
  (pattern) => new RegExp(pattern, 'u'),
);

/** Whether a normalised text gives someone an age under 18. */
export function namesMinorAge(text: string): boolean {
  return agePatterns.some((pattern) => pattern.test(text));
}
