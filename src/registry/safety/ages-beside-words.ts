import { ageEnd, minorDigits as digits, notCounted } from './age-patterns';
import { normaliseText } from './normalise-text';
import { wholeWord } from './term-patterns';

/**
 * One rule for languages whose numbers are not spelled out in `ages-in-languages`: digits up to 17 beside a word for an
 * age or for a person. Words are written as people write them and normalised like a text.
 */
const alternatives = (words: string): string[] => normaliseText(words).split('|');

const unitWords = wholeWord(
  alternatives(
    'tahun|thn|tuổi|éves|vuotias|vuotiaa[nt]|åring|årig|årige|åriga|aarig|letá|lety|letni|letnej|ani|godina|godine|godini|taong|yaş|yaşında|yaşlı',
  ),
);
const nativeUnitWords = alternatives(
  'साल|वर्ष|बरस|سنة|سنه|سنوات|عام|عاما|سال|ساله|χρονών|χρόνια|χρονη|ετών|বছর|ปี|ขวบ|שנים|שנה|வயது|ఏళ్ల|వయసు',
).join('|');

const ageWords = wholeWord(
  alternatives(
    'usia|umur|umurnya|edad|idade|alter|leeftijd|wiek|wieku|alder|ålder|ikä|vârsta|yaş|yaşı|tuổi|gulang',
  ),
);
const nativeAgeWords = alternatives(
  'عمرها|عمره|عمر|عمرك|उम्र|आयु|ηλικίας|ηλικία|возраст|возрасте|возраста|возрастом|вік|віком|віці|בת|בן|בגיל|גיל|年龄|年齡|年齢|나이|อายุ|বয়স|வயது|سن',
).join('|');

const youngPersons =
  'girl|boy|femboy|fem boy|tomboy|gal|gurl|grl|chick|lass|student|pupil|daughter|son|sister|brother|niece|nephew|cheerleader|gymnast|virgin|' +
  'gadis|cewek|cowok|pige|piger|dreng|drenge|jente|gutt|flicka|tjej|pojke|kille|tyttö|tyttönen|poika|fille|garçon|chica|chico|muchacha|' +
  'muchacho|chava|garota|garoto|moça|moço|rapariga|rapaz|ragazza|ragazzo|mädchen|junge|meid|jongen|dziewczyna|dziewczę|chłopak|chlopiec|' +
  'holka|dívka|kluk|dievča|lány|fiú|fata|băiat|kız|oğlan|cô gái|con gái|con trai|babae|dalaga|lalaki|djevojka|devojka';
const adultPersons =
  'perempuan|wanita|kvinde|kvinne|kvinna|femme|mujer|mulher|donna|frau|vrouw|kobieta|žena|femeie|kadın|nainen|nő';
const latinPersons = wholeWord(alternatives(`${youngPersons}|${adultPersons}`));
const nativePersons = alternatives(
  'девушка|девушке|девушку|девка|женщина|женщине|парень|парню|пацан|дівчина|дівчині|жінка|хлопець|فتاة|بنت|امرأة|ولد|صبي|دختر|پسر|' +
    'लड़की|लड़का|महिला|औरत|युवती|মেয়ে|ছেলে|κορίτσι|κοπέλα|αγόρι|γυναίκα|בחורה|אישה|נער|สาว|หญิง|ชาย|女孩|女生|女人|女性|美女|男孩|男生|彼女|' +
    '女の人|여자|여성|소녀|남자',
).join('|');

const persons = `(?:${latinPersons}[\\s,:(-]{1,3}|(?:${nativePersons})[\\p{M}]*[\\s,،、，:(（-]{0,3})`;
const afterPerson = `(?:${ageEnd}|\\s?(?:ar|aar|yrs?|years?|let|${unitWords}|${nativeUnitWords})(?!\\p{L}))`;

/** Sources of patterns, for normalised text. */
export const agesBesideWords: readonly string[] = [
  `${digits}[\\s-]{0,2}(?:${unitWords}|(?:${nativeUnitWords})(?!\\p{L}))`,
  `${ageWords}[\\s:=~-]{1,3}(?:(?:de|von|van|is|es|der)\\s)?${digits}${ageEnd}`,
  `(?:${nativeAgeWords})[\\s:=~-]{0,3}${digits}${notCounted}`,
  `${persons}${digits}${afterPerson}`,
  // una chica de 15, ein Mädchen von 15
  `${latinPersons}\\s(?:de|di|von|van|av|af)\\s1[0-7]${notCounted}`,
  // femboy 15 in a room: a space only, and nothing that the number could count
  `${wholeWord(alternatives(youngPersons))}\\s1[0-7]${notCounted}`,
  // a 15 girl, an 11 femboy
  `(?<!\\p{L})an?\\s1[0-7][\\s-](?:years?[\\s-]|yrs?[\\s-])?${wholeWord(alternatives(youngPersons))}`,
];

/** Years in a word that means another thing without its accent; for lower-case text that keeps its accents. */
export const accentedAge = `${digits}[\\s-]?(?:år|års)(?!\\p{L})`;
