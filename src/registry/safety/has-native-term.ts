/** Whether a normalised text holds one of the normalised terms, as written or with everything but letters left out. */
export function hasNativeTerm(native: string, terms: readonly string[]): boolean {
  const closed = native.replace(/[^\p{L}\p{M}\p{N}\p{Extended_Pictographic}]/gu, '');
  return terms.some((term) => native.includes(term) || closed.includes(term));
}
