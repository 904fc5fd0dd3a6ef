import { fraction } from '../../emulator/pictures/fingerprint';

/** Draws of one seeded program; the same seed and words always give the same, whatever was drawn before. */
export interface Draw {
  /** At least 0, below 1. */
  fraction(...words: (string | number)[]): number;
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number, ...words: (string | number)[]): number;
  /** One of the values, each as likely as its weight. */
  pick<T>(values: readonly (readonly [T, number])[], ...words: (string | number)[]): T;
  /** Another order of the same values. */
  shuffle<T>(values: readonly T[], ...words: (string | number)[]): T[];
}

export function createDraw(seed: number): Draw {
  const draw = (...words: (string | number)[]): number => fraction('chaos', seed, ...words);
  return {
    fraction: draw,
    between: (low, high, ...words) => low + Math.floor(draw(...words) * (high - low + 1)),
    pick: (values, ...words) => pickWeighted(values, draw(...words)),
    shuffle: (values, ...words) =>
      values
        .map((value, index) => ({ value, place: draw(...words, index) }))
        .toSorted((a, b) => a.place - b.place)
        .map(({ value }) => value),
  };
}

function pickWeighted<T>(values: readonly (readonly [T, number])[], point: number): T {
  const total = values.reduce((sum, [, weight]) => sum + weight, 0);
  let left = point * total;
  for (const [value, weight] of values) {
    left -= weight;
    if (left < 0) return value;
  }
  throw new Error('nothing to pick from');
}
