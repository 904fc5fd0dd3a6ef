import type { FastifyRequest } from 'fastify';
import type { ApiContext, ApiServer } from '../context';
import type { HttpProblem } from '../http/http-problem';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Name in the audit table of what the route does, where that is worth a line. Keys write theirs themselves. */
    audit?: 'generation.cancel' | 'slot.decide' | 'lora.delete' | 'asset.delete';
  }
  interface FastifyRequest {
    /** What it is answered with, where that is no success. */
    problem: HttpProblem | null;
  }
}

const longestSubject = 500;

/** Issues of a 422 that say what is not allowed here, rather than what was written wrong. */
const policyCodes = new Set([
  'minor_suggested',
  'nsfw_disabled',
  'nsfw_asset',
  'nsfw_unsupported',
  'base_images_are_sfw',
]);

/** Writes what was decided, cancelled, deleted and refused to the audit table, before it is answered. */
export function auditRequests(app: ApiServer, { auditLog }: ApiContext): void {
  app.decorateRequest('problem', null);
  app.addHook('onSend', async (request, reply) => {
    const entry = entryOf(request, reply.statusCode);
    if (entry === undefined) return;
    const { principal, url, id: requestId } = request;
    const [path = url] = url.split('?', 1);
    const who = { caller: principal?.caller, keyId: principal?.keyId, requestId };
    await auditLog
      .record({ ...who, ...entry, subject: path.slice(0, longestSubject) })
      .catch((err: unknown) => {
        // What was done stays done, and a refusal stays one.
        request.log.error({ err, audit: entry }, 'the audit table could not be written');
      });
  });
}

function entryOf(request: FastifyRequest, status: number): { action: string; code?: string } | undefined {
  const { access, audit } = request.routeOptions.config;
  if (access === undefined || access === 'public' || access === 'refused') return undefined;
  if (status < 300) return audit && { action: audit };
  const code = refusalCode(request);
  return code === undefined ? undefined : { action: 'refused', code };
}

function refusalCode({ problem, principal, isRepeatedRefusal }: FastifyRequest): string | undefined {
  if (problem === null) return undefined;
  const { status, code, errors } = problem;
  // A flood of refusals must not become a flood of writes.
  if (status === 429) return isRepeatedRefusal ? undefined : code;
  // A link that is wrong or over comes from nobody who is known.
  if (status === 403 && principal === null) return undefined;
  if (status === 401 || status === 403) return code;
  return status === 422 ? errors.find((issue) => policyCodes.has(issue.code))?.code : undefined;
}
