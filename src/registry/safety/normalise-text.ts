/**
 * One spelling for one word: compatibility forms, case, invisible characters, accents and digits of other scripts.
 * Terms and texts both pass through it, so only the accents that Latin, Greek and Cyrillic share are taken off:
 * Japanese and Indic scripts change the word with theirs.
 */
export function normaliseText(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\p{Cf}\p{Variation_Selector}\u115f\u1160\u3164\uffa0\u034f]/gu, '')
    .normalize('NFD')
    .replace(/[\u0300-\u036f\u0489]/g, '')
    .normalize('NFC')
    .replace(/\p{Nd}/gu, asciiDigit)
    .replace(/ß/g, 'ss')
    .replace(/æ/g, 'ae')
    .replace(/œ/g, 'oe')
    .replace(/[‐-―−_]/g, '-');
}

/** Digits stand in runs of ten from zero up, and each run starts at a multiple of ten from some script's zero. */
const zeros = [
  0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0,
];

function asciiDigit(digit: string): string {
  const code = digit.codePointAt(0) ?? 0;
  const zero = zeros.find((first) => code >= first && code < first + 10);
  return zero === undefined ? digit : String(code - zero);
}
