import { createHash } from 'node:crypto';

/** SHA-256 in hex. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** JSON with sorted keys, so that equal bodies hash equally whatever order their fields came in. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value));
}

/** A number in [0, 1) that depends on the words only. */
export function fraction(...words: (string | number)[]): number {
  return Number.parseInt(sha256(words.join('\n')).slice(0, 12), 16) / 2 ** 48;
}

/** An unsigned 32 bit number that depends on the words only. */
export function derivedSeed(...words: (string | number)[]): number {
  return Math.floor(fraction(...words) * 2 ** 32);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
