import type { z } from 'zod';
import { isRecord } from '../http/describe-body';
import type { FalEndpoint } from './endpoints';
import { modelError, type ErrorDetail } from './errors';
import type { Answer } from '../http/answer';

/** Checks a body as the server's models do. Returns the completed input, or the 422 in Pydantic's words. */
export function validateInput(
  endpoint: FalEndpoint,
  body: unknown,
): { input: Record<string, unknown> } | { refusal: Answer } {
  const parsed = endpoint.input.safeParse(isRecord(body) ? body : {}, { reportInput: true });
  if (parsed.success) return { input: parsed.data };
  return { refusal: modelError(parsed.error.issues.flatMap((issue) => details(issue, [], issue.input))) };
}

type Issue = z.core.$ZodIssue;

/** `outer` is the value a union was given: issues inside a union do not carry it themselves. */
function details(issue: Issue, parents: readonly PropertyKey[], outer: unknown): ErrorDetail[] {
  const path = [...parents, ...issue.path];
  if (issue.code === 'invalid_union') {
    const value = issue.input ?? outer;
    const branch = isRecord(value) ? issue.errors.at(-1) : issue.errors[0];
    return (branch ?? []).flatMap((inner) => details(inner, path, value));
  }
  const input = issue.input ?? outer ?? null;
  return [{ loc: ['body', ...path.map(locationPart)], ...describe(issue), input }];
}

function describe(issue: Issue): Omit<ErrorDetail, 'loc' | 'input'> {
  if (issue.code === 'invalid_type') return wrongType(issue);
  if (issue.code === 'too_small') return tooSmall(issue);
  if (issue.code === 'too_big') return tooBig(issue);
  if (issue.code !== 'invalid_value') {
    return { type: 'value_error', msg: `Value error, ${issue.message}` };
  }
  const expected = issue.values.map((value) => `'${String(value)}'`).join(' or ');
  return { type: 'literal_error', msg: `Input should be ${expected}`, ctx: { expected } };
}

/** Pydantic's word for each type. */
const typeErrors: Readonly<Record<string, { type: string; msg: string }>> = {
  string: { type: 'string_type', msg: 'Input should be a valid string' },
  boolean: { type: 'bool_type', msg: 'Input should be a valid boolean' },
  array: { type: 'list_type', msg: 'Input should be a valid list' },
  object: { type: 'model_attributes_type', msg: 'Input should be a valid dictionary' },
  int: { type: 'int_type', msg: 'Input should be a valid integer' },
};
const numberError = { type: 'float_type', msg: 'Input should be a valid number' };

function wrongType(issue: z.core.$ZodIssueInvalidType): Omit<ErrorDetail, 'loc' | 'input'> {
  if (issue.input === undefined) return { type: 'missing', msg: 'Field required' };
  return typeErrors[issue.expected] ?? numberError;
}

function tooSmall({ origin, minimum }: z.core.$ZodIssueTooSmall): Omit<ErrorDetail, 'loc' | 'input'> {
  const limit = Number(minimum);
  if (origin === 'array') {
    return { type: 'too_short', msg: `List should have at least ${limit} item`, ctx: { min_length: limit } };
  }
  const msg = `Input should be greater than or equal to ${limit}`;
  return { type: 'greater_than_equal', msg, ctx: { ge: limit } };
}

function tooBig({ origin, maximum }: z.core.$ZodIssueTooBig): Omit<ErrorDetail, 'loc' | 'input'> {
  const limit = Number(maximum);
  if (origin === 'string') {
    const msg = `String should have at most ${limit} characters`;
    return { type: 'string_too_long', msg, ctx: { max_length: limit } };
  }
  const msg = `Input should be less than or equal to ${limit}`;
  return { type: 'less_than_equal', msg, ctx: { le: limit } };
}

function locationPart(part: PropertyKey): string | number {
  return typeof part === 'number' ? part : String(part);
}
