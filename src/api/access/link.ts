import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApiContext } from '../context';
import { isSigned } from '../http/asset-signature';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A signed address of the asset `:id` opens it, to whoever has the address. */
    opensByLink?: true;
  }
  interface FastifyRequest {
    /** Epoch seconds, where a signed address has let it in: nobody is known then. */
    linkEnds: number | null;
  }
}

/**
 * Lets a request in by its signed address alone.
 *
 * @throws HttpProblem 403 for a signature that is wrong or over, whoever asks
 */
export function isOpenedByLink(
  { assetUrlSecret }: Pick<ApiContext, 'assetUrlSecret'>,
  request: FastifyRequest,
  reply: FastifyReply,
): boolean {
  if (request.routeOptions.config.opensByLink !== true) return false;
  const { id } = request.params as { id: string };
  const { expires, signature } = request.query as Record<string, unknown>;
  const link = { expires: once(expires), signature: once(signature) };
  if (!isSigned(assetUrlSecret, id, link)) return false;
  request.linkEnds = Number(link.expires);
  // It is there to be shown on the pages of others.
  reply.header('cross-origin-resource-policy', 'cross-origin');
  return true;
}

/** What is named twice fits no signature. */
function once(value: unknown): string | undefined {
  return value === undefined || typeof value === 'string' ? value : '';
}
