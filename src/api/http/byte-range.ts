import type { ByteRange } from '../../assets';

/** The form of one range; several in one header are not supported, which a server may decide (RFC 9110, 14.2). */
const oneRange = /^bytes=\s*(\d*)-(\d*)\s*$/i;

/**
 * The part of a file a `Range` header asks for. `undefined` where the whole file is the right answer: no header, or
 * one that is to be ignored. `unsatisfiable` where the file has no such bytes.
 */
export function byteRange(
  header: string | undefined,
  bytes: number,
): ByteRange | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = oneRange.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') return suffix(Number(last), bytes);
  const start = Number(first);
  const end = last === '' ? Infinity : Number(last);
  if (end < start) return undefined;
  return start < bytes ? { start, end: Math.min(end, bytes - 1) } : 'unsatisfiable';
}

function suffix(length: number, bytes: number): ByteRange | 'unsatisfiable' {
  if (length === 0 || bytes === 0) return 'unsatisfiable';
  return { start: Math.max(0, bytes - length), end: bytes - 1 };
}
