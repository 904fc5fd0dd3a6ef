import type { FastifyInstance } from 'fastify';
import { invalid } from './to-problem';

/** No text may hold these: PostgreSQL cannot store NUL, and half a surrogate pair is no character at all. */
const unstorable = /[\0\p{Surrogate}]/u;

/**
 * Reads JSON bodies. An empty one counts as absent, since many clients always send the content type, and text that
 * cannot be stored is refused by field instead of failing later.
 */
export function addJsonParser(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') {
      done(null, undefined);
      return;
    }
    void parseJson(request, body, done);
  });
  app.addHook('preValidation', (request, _reply, done) => {
    const field = unstorableField(request.body, []);
    const message = 'holds a character that is not text';
    done(field === undefined ? undefined : invalid([{ field, code: 'invalid_characters', message }]));
  });
}

/** Dotted name of the first field with unstorable text. Bodies are small, and JSON cannot be cyclic. */
function unstorableField(value: unknown, path: readonly string[]): string | undefined {
  if (typeof value === 'string') return unstorable.test(value) ? path.join('.') || 'body' : undefined;
  if (!isPlain(value)) return undefined;
  for (const [key, member] of Object.entries(value)) {
    const field = unstorableField(member, [...path, key]);
    if (field !== undefined) return field;
  }
  return undefined;
}

/** Streams of uploads are bodies too; they are not looked into. */
function isPlain(value: unknown): value is object {
  if (Array.isArray(value)) return true;
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
