import { minorDigits as digits } from './age-patterns';
import { normaliseText } from './normalise-text';

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
  scandinavian: [
    'elleve|tolv|tretten|fjorten|femten|seksten|sytten|tretton|fjorton|femton|sexton|sjutton',
    'ar|aar|arig|arige|ariga|aring',
  ],
  indonesian: ['sepuluh|sebelas|dua belas|tiga belas|empat belas|lima belas|enam belas|tujuh belas', 'tahun'],
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

const spelledAges = Object.values(spelled).map(
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

/** Sources of patterns for ages under 18 in digits and in words, for normalised text. */
export const agesInOtherLanguages: readonly string[] = [...spelledAges, ...eastAsian];
