import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { jobKeyOfToken } from '../../domain/callback-key';
import type { ApiContext, ApiServer } from '../context';
import { FalSignatures } from '../http/fal-signature';
import { HttpProblem } from '../http/http-problem';
import { invalid } from '../http/to-problem';

/** Results name their pictures by URL, so a call-back is small. */
const bodyLimitBytes = 256 * 1024;

const params = z.object({ key: z.string() });
/** `request_id` is the name the queue knows; the `gateway_request_id` beside it may be that of a later try. */
const callbackSchema = z.object({
  request_id: z.string().regex(/^[\w-]{1,100}$/),
  status: z.enum(['OK', 'ERROR']),
});

/**
 * `POST /v1/provider-callbacks/fal/{key}`: Fal tells that a job ended, and by that which of its requests the job is. Only
 * that is kept; the result is collected from Fal itself.
 *
 * Public: the signature says who calls. 204: kept. 401: not signed by Fal, or too old. 404: no job of ours. 409: a replay. 503: try again.
 */
export async function addProviderCallbackRoutes(app: ApiServer, context: ApiContext): Promise<void> {
  const { falCallbacks: accepted, providerCallbacks } = context;
  if (accepted === undefined) return;
  const signatures = new FalSignatures(accepted.jwksUrl);
  // A scope of its own: the signature is made of the bytes as they were sent.
  await app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, parsed) => {
      parsed(null, body);
    });
    scope
      .withTypeProvider<ZodTypeProvider>()
      .post(
        '/v1/provider-callbacks/fal/:key',
        { config: { access: 'public' }, schema: { params }, bodyLimit: bodyLimitBytes },
        async (request, reply) => {
          const jobKey = jobKeyOfToken(request.params.key, accepted.secret);
          if (jobKey === undefined) throw new HttpProblem(404, 'job_not_found', 'There is no such job.');
          const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
          const signedAt = await signatures.check(request.headers, body);
          const { request_id: requestId, status } = read(body);
          const isNew = await providerCallbacks.record({ jobKey, requestId, status, signedAt });
          if (!isNew) throw new HttpProblem(409, 'already_received', 'This call-back was received before.');
          return await reply.code(204).send();
        },
      );
    done();
  });
}

function read(body: Buffer): z.infer<typeof callbackSchema> {
  const callback = callbackSchema.safeParse(parse(body)).data;
  if (callback !== undefined) return callback;
  const message = 'is no call-back of Fal: request_id and status (OK or ERROR) are needed';
  throw invalid([{ field: 'body', code: 'invalid_format', message }]);
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
