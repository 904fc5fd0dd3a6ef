/**
 * One spelling for one word: compatibility forms, case, invisible characters, keycaps and rings around a character,
 * accents, and digits of other scripts.
 * Terms and texts both pass through it, so only the accents that Latin, Greek and Cyrillic share are taken off:
 * Japanese and Indic scripts change the word with theirs.
 */
export function normaliseText(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\p{Cf}\p{Me}\p{Variation_Selector}\u115f\u1160\u3164\uffa0\u034f]/gu, '')
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .normalize('NFC')
    .replace(/\p{Nd}/gu, asciiDigit)
    .replace(/ß/g, 'ss')
    .replace(/æ/g, 'ae')
    .replace(/œ/g, 'oe')
    .replace(/[‐-―−_]/g, '-');
}

/** Digits stand in runs of ten from zero up, with something else before each zero. */
function asciiDigit(digit: string): string {
  const code = digit.codePointAt(0) ?? 0;
  let value = 0;
  while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(code - value - 1))) value += 1;
  return String(value);
}
