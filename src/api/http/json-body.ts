import type { FastifyInstance } from 'fastify';
import type { FieldError } from './field-errors';
import { invalid } from './to-problem';

/** No text may hold these: PostgreSQL cannot store NUL, and half a surrogate pair is no character at all. */
const unstorable = /[\0\p{Surrogate}]/u;

/** Refuses what is no UTF-8, overlong forms too; Node would put U+FFFD in its place, and the prompt would be another one. */
const utf8 = new TextDecoder('utf-8', { fatal: true });

const notUtf8: FieldError = {
  field: 'body',
  code: 'invalid_utf8',
  message: 'holds bytes that are not UTF-8: encode the text as UTF-8',
};

/**
 * Reads JSON bodies. An empty one counts as absent, since many clients always send the content type, and text that
 * cannot be stored is refused by field instead of failing later.
 */
export function addJsonParser(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0) {
      done(null, undefined);
      return;
    }
    const text = decoded(body);
    if (text === undefined) done(invalid([notUtf8]));
    else void parseJson(request, text, done);
  });
  app.addHook('preValidation', (request, _reply, done) => {
    const issue = unusableField(request.body, []);
    done(issue === undefined ? undefined : invalid([issue]));
  });
}

function decoded(body: Buffer): string | undefined {
  try {
    return utf8.decode(body);
  } catch {
    return undefined;
  }
}

/** No request has more than four levels; what is nested by the thousand costs time and stack to look through. */
const mostLevels = 20;

/** The first field with text that cannot be stored, or with too many levels below it. JSON cannot be cyclic. */
function unusableField(value: unknown, path: readonly string[]): FieldError | undefined {
  const field = path.join('.') || 'body';
  if (typeof value === 'string') {
    const message = 'holds a character that is not text';
    return unstorable.test(value) ? { field, path, code: 'invalid_characters', message } : undefined;
  }
  if (!isPlain(value)) return undefined;
  if (path.length >= mostLevels)
    return { field: path[0] ?? 'body', code: 'nested_too_deep', message: 'is nested too deeply' };
  for (const [key, member] of Object.entries(value)) {
    const issue = unusableField(member, [...path, key]);
    if (issue !== undefined) return issue;
  }
  return undefined;
}

/** Streams of uploads are bodies too; they are not looked into. */
function isPlain(value: unknown): value is object {
  if (Array.isArray(value)) return true;
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
