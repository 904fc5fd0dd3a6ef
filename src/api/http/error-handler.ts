import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Socket } from 'node:net';
import { HttpProblem, problemDocument } from './http-problem';
import { toProblem } from './to-problem';

const problemType = 'application/problem+json; charset=utf-8';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * What sending a POST once more does. `none`: it writes nothing. `same`: nothing more than the first did. `keyed`: the
     * same, if it has an `Idempotency-Key`. Left out: it may do it once more.
     */
    effect?: 'none' | 'same' | 'keyed';
  }
}

/** Makes every answer that is not a success a problem document, and writes the unforeseen ones to the log. */
export function addErrorHandling(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) =>
    sendProblem(toProblem(error, request.routeOptions.bodyLimit), request, reply),
  );
  app.setNotFoundHandler((request, reply) => {
    const problem = new HttpProblem(
      404,
      'not_found',
      `There is no ${request.method} ${pathOf(request.url)}.`,
    );
    return sendProblem(problem, request, reply);
  });
}

/** For errors before any route is known, such as a malformed URL. */
export function handleFrameworkError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  void sendProblem(toProblem(error), request, reply);
}

/** For bytes that are not HTTP at all; there is no request to answer through. */
export function handleClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = clientProblem(error.code);
  // Nothing was read of it, so nothing was done.
  const body = JSON.stringify(problemDocument(problem, { requestId: 'none', isRepeatable: true }));
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.code}`,
    `Content-Type: ${problemType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function clientProblem(code: string | undefined): HttpProblem {
  if (code === 'HPE_HEADER_OVERFLOW')
    return new HttpProblem(431, 'headers_too_large', 'The headers are too large.');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new HttpProblem(408, 'request_timeout', 'The request did not arrive in time.');
  }
  return new HttpProblem(400, 'invalid_http', 'This is not a valid HTTP request.');
}

function sendProblem(problem: HttpProblem, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  request.problem = problem;
  readRest(request, reply);
  if (problem.status >= 500) logFailure(problem, request);
  if (problem.retryAfterSeconds !== undefined) reply.header('retry-after', problem.retryAfterSeconds);
  return (
    reply
      .code(problem.status)
      .headers(problem.headers)
      // Framework errors come before the hook that sets it.
      .header('x-request-id', request.id)
      .type(problemType)
      .send(problemDocument(problem, { requestId: request.id, isRepeatable: isRepeatable(request) }))
  );
}

/** What a client may send on after its answer. Whoever takes longer loses the connection. */
const restMs = 60_000;

/**
 * A client that is still sending when its connection is closed sees a broken pipe instead of the answer. So what is left of
 * a refused body is read and thrown away.
 */
function readRest({ raw }: FastifyRequest, reply: FastifyReply): void {
  // An injected request has no socket.
  if (raw.complete || !(raw.socket instanceof Socket)) return;
  reply.removeHeader('connection');
  raw.unpipe();
  raw.resume();
  const timer = setTimeout(() => raw.socket.destroy(), restMs);
  timer.unref();
  raw.once('close', () => {
    clearTimeout(timer);
  });
}

/** Methods that do the same once and twice (RFC 9110, 9.2.2), and posts that name their job by a key. */
function isRepeatable({ method, headers, routeOptions }: FastifyRequest): boolean {
  if (['GET', 'HEAD', 'PUT', 'DELETE'].includes(method)) return true;
  const { effect } = routeOptions.config;
  return (
    effect === 'none' || effect === 'same' || (effect === 'keyed' && headers['idempotency-key'] !== undefined)
  );
}

/** A problem without a cause is all told by its message; as `err` it would say the same again. */
function logFailure({ code, cause, message }: HttpProblem, request: FastifyRequest): void {
  request.log.error(cause === undefined ? { code } : { code, err: cause }, message);
}

/** Query strings may hold what must not be repeated. */
function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? url;
}
