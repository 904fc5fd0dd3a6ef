/**
 * Bits of 64. A picture that was only recompressed, scaled, blurred or brightened differs from itself in 0-5 bits,
 * pictures of one set in 15 and more (measured, see the test of this file); the library takes less than 5 for the same.
 */
const mostDifferentBits = 6;

/**
 * Whether two pictures show the same thing, by their perceptual hashes (`StoredAsset.perceptualHash`). Never so where one
 * of them has no hash, as clips have none.
 */
export function looksAlike(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined || a.length !== b.length) return false;
  const differentBits = Array.from(a).filter((bit, index) => bit !== b[index]).length;
  return differentBits <= mostDifferentBits;
}
