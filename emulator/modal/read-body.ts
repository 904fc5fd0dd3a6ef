import { isRecord } from '../http/describe-body';

/** A parsed body the handlers can read fields from, or what they trip over. */
export function readBody(text: string): Record<string, unknown> | 'not-json' | 'not-an-object' {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : 'not-an-object';
  } catch {
    return 'not-json';
  }
}

/** A number as Python's `int()` would read it: NaN when it would raise. */
export function numberField<Default extends number | undefined>(
  body: Record<string, unknown>,
  field: string,
  fallback: Default,
): number | Default {
  const value = body[field];
  if (value === undefined || value === null) return fallback;
  if (typeof value === 'number') return value;
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
}
