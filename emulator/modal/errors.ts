import { jsonAnswer, textAnswer, type Answer } from '../http/answer';
import { modalEndpoints, unsupportedPaths, type ModalEndpoint } from './endpoints';

/** Python's exception classes that the handlers let out. */
export type ExceptionClass = string;

/** The framework's own shape. */
export function httpException(status: number, detail: unknown): Answer {
  return jsonAnswer(status, { detail });
}

/** The catch-all handler: a traceback with server paths, as the real one. `ryla-flux` adds the path. */
export function caughtException(
  endpoint: Pick<ModalEndpoint, 'app' | 'path'> & Partial<Pick<ModalEndpoint, 'errors'>>,
  type: ExceptionClass,
  error: string,
  status = statusInWords(endpoint.errors, error),
): Answer {
  const path = endpoint.app === 'ryla-flux' ? { path: endpoint.path } : {};
  return jsonAnswer(status, { error, details: traceback(endpoint, type, error), type, ...path });
}

/**
 * What a route's own catch-all answers to an exception: it searches the message, so that a number or a word in it can
 * fake a status.
 */
function statusInWords(errors: ModalEndpoint['errors'] | undefined, message: string): number {
  const text = message.toLowerCase();
  if (errors === 'seedvr2-catch') return text.includes('not found') ? 404 : 500;
  if (errors !== 'own-catch') return 500;
  if (text.includes('503') || text.includes('not loaded')) return 503;
  return text.includes('400') || text.includes('bad request') ? 400 : 500;
}

/** A 400, 502 or 503 raised by a handler, in the shape this route gives it. */
export function raised(endpoint: ModalEndpoint, status: number, detail: string): Answer {
  if (endpoint.errors === 'framework') return httpException(status, detail);
  return caughtException(endpoint, 'HTTPException', `${status}: ${detail}`);
}

export const notFound = httpException(404, 'Not Found');
export const methodNotAllowed = httpException(405, 'Method Not Allowed');
export const unknownFunction = textAnswer(404, 'modal-http: invalid function call');
export const badRedirectMethod = textAnswer(400, 'modal-http: bad redirect method');
export const missingCredentials = textAnswer(401, 'modal-http: missing credentials for proxy authorization');
export const invalidCredentials = textAnswer(401, 'modal-http: invalid credentials for proxy authorization');

/** What the 501 routes answer: two shapes, as deployed. */
function unsupported(path: string): Answer {
  if (path === '/z-image-pulid-lora') {
    return httpException(501, {
      error: 'Z-Image and PuLID use incompatible encoders',
      alternatives: ['/flux-pulid', '/sdxl-instantid'],
    });
  }
  const endpoint = { app: 'ryla-instantid', path };
  return caughtException(endpoint, 'HTTPException', '501: InstantID does not work with Flux models', 501);
}

/** The route at a path of an app, or what is answered where none is in service. */
export function findRoute(app: string, path: string): ModalEndpoint | Answer {
  if (unsupportedPaths[path] === app) return unsupported(path);
  return modalEndpoints.find((candidate) => candidate.app === app && candidate.path === path) ?? notFound;
}

function traceback({ app, path }: { app: string; path: string }, type: string, error: string): string {
  const handler = path.slice(1).replace(/\W/g, '_');
  return [
    'Traceback (most recent call last):',
    `  File "/root/apps/${app}/app.py", line 214, in ${handler}`,
    '    result = await self.handle(await request.json())',
    `  File "/root/apps/${app}/handler.py", line 88, in handle`,
    '    graph = build(payload)',
    `${type}: ${error}`,
  ].join('\n');
}

/** What every route answers to a LoRA that is not on the volume. */
export function loraNotFound(file: string): Answer {
  return httpException(404, `LoRA not found: ${file}. Upload it to the models volume first.`);
}

/** What the parser, or the first access to a field, raises. */
export function unreadableBody(endpoint: ModalEndpoint, problem: 'not-json' | 'not-an-object'): Answer {
  return problem === 'not-json'
    ? caughtException(endpoint, 'JSONDecodeError', 'Expecting value: line 1 column 1 (char 0)')
    : caughtException(endpoint, 'AttributeError', "'list' object has no attribute 'get'");
}
