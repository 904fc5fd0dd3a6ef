import type { RefusalCode } from '../../registry';
import type { ProblemCode } from './problem-codes';

/** Reasons to refuse a request for its form: `errors[].code` of a 400, 413 or 415. */
export const formCodes = [
  'caller_mismatch',
  'custom',
  'invalid_characters',
  'invalid_format',
  'invalid_json',
  'invalid_type',
  'invalid_utf8',
  'invalid_union',
  'invalid_value',
  'nested_too_deep',
  'not_multiple_of',
  'required',
  'too_big',
  'too_many_parts',
  'too_small',
  'unknown_field',
  'wrong_length',
] as const;

export type FieldCode = (typeof formCodes)[number] | RefusalCode | ProblemCode;

/** One thing wrong with a request. */
export interface FieldError {
  /** Request field, dotted; `body`, `querystring`, `params` or `headers` where no single field is to blame. */
  field: string;
  code: FieldCode;
  message: string;
  /** Left out: found by the name of the field. */
  in?: Place;
  /** Of a field of the body whose name holds a dot. */
  path?: readonly string[];
}

export const places = ['body', 'query', 'path', 'header', 'configuration'] as const;
export type Place = (typeof places)[number];

/** As an answer shows it. */
export interface ShownFieldError {
  field: string;
  in: Place;
  /** RFC 6901, into the JSON body. Left out: the field is not in it. */
  pointer?: string;
  code: FieldCode;
  message: string;
}

/** Fields that stand elsewhere than in the body. */
const elsewhere: Readonly<Record<string, Place>> = {
  querystring: 'query',
  params: 'path',
  slot: 'path',
  headers: 'header',
  authorization: 'header',
  'content-type': 'header',
  'idempotency-key': 'header',
  range: 'header',
  'x-caller-id': 'header',
  providers: 'configuration',
};

/** Says where the field stands, and points to it where it is one of the JSON body. */
export function shown({ field, code, message, in: given, path }: FieldError): ShownFieldError {
  const place = given ?? elsewhere[field] ?? 'body';
  // An upload is no JSON, so nothing can point into it.
  if (place !== 'body' || field === 'file') return { field, in: place, code, message };
  if (field.startsWith('/')) return { field: field.slice(1), in: place, pointer: field, code, message };
  const steps = path ?? (field === 'body' ? [] : field.split('.'));
  return { field, in: place, pointer: steps.map(step).join(''), code, message };
}

function step(name: string): string {
  return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
