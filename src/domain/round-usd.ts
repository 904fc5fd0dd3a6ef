/** US dollars to six decimals, as they are stored: sums of floating-point numbers must not show their noise. */
export function roundUsd(usd: number): number {
  return Math.round(usd * 1e6) / 1e6;
}
