/**
 * The registry is pure and reads no clock, so the year from which on everyone born is a minor is kept by hand: in 2026
 * nobody born after 2008 is 18. To be raised by one each January; while it is not, it refuses adults, never lets a minor
 * pass.
 */
const youngestAdultBirthYear = 2008;

const lastYear = 2099;
const years = Array.from({ length: lastYear - youngestAdultBirthYear }, (_, index) =>
  String(youngestAdultBirthYear + 1 + index),
).join('|');
const year = `(?<!\\d)(?:${years})(?!\\d|px)`;

const born =
  'born|birth|birthday|birthdate|birthyear|dob|ne|nee|nes|naissance|nacid[oa]|nacio|nascid[oa]|nasceu|nat[oa]|geboren|geburtsjahr|' +
  'urodzon[aey]|fodt|fodd|dogumlu|lahir|sinh|narozen[ay]?';
const bornElsewhere =
  'родил\\p{L}*|рожден\\p{L}*|народил\\p{L}*|народжен\\p{L}*|出生于?|生于|مواليد|ولدت|γεννηθ\\p{L}*|נולדה?';

/** The source of a pattern for being born in a year that makes a minor, in normalised text. */
export const birthYear = [
  `(?<!\\p{L})(?:${born})(?!\\p{L})[^,;!?\\n]{0,24}?${year}`,
  `(?:${bornElsewhere})[^,;!?\\n]{0,24}?${year}`,
  `${year}[\\s-]{0,2}(?:born(?!\\p{L})|dogumlu|г\\.?\\s?р|年?\\s?(?:生まれ|出生|生人)|년\\s?생|년생)`,
].join('|');
