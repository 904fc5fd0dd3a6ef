/** Bits of 64 in which two different pictures differ at least; the same one, compressed anew, differs in none. */
const farApartBits = 6;

/** Whether two perceptual hashes (bits as text, of equal length) are those of what a person would call the same picture. */
export function looksAlike(one: string, other: string): boolean {
  let differing = 0;
  for (let bit = 0; bit < one.length; bit += 1) if (one[bit] !== other[bit]) differing += 1;
  return differing < farApartBits;
}
