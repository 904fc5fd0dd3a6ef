import Fastify from 'fastify';
import type { PeerJob, PeerJobState } from './peer-job';

/** A design under comparison, behind the same three routes. */
export interface PeerDesign {
  /** Takes a job; the same id again is the same job. */
  start(job: PeerJob): Promise<void>;
  /** `undefined`: not known. */
  find(id: string): Promise<PeerJobState | undefined>;
  picture(id: string): Promise<Buffer | undefined>;
}

/** Serves a design on the port of `PEER_PORT` until the process ends. */
export async function serveJobs(design: PeerDesign): Promise<void> {
  const app = Fastify({ bodyLimit: 20_000_000 });
  app.post('/jobs', async (request, reply) => {
    await design.start(request.body as PeerJob);
    return await reply.code(202).send({});
  });
  app.get<{ Params: { id: string } }>('/jobs/:id', async (request, reply) => {
    const state = await design.find(request.params.id);
    return await reply.code(state === undefined ? 404 : 200).send(state ?? {});
  });
  app.get<{ Params: { id: string } }>('/jobs/:id/picture', async (request, reply) => {
    const bytes = await design.picture(request.params.id);
    return await reply.code(bytes === undefined ? 404 : 200).send(bytes ?? {});
  });
  await app.listen({ host: '127.0.0.1', port: Number(process.env['PEER_PORT']) });
}

/** Where the emulated Fal and ComfyUI are, from the environment. */
export function providerUrls(): { fal: string; comfyui: string } {
  return { fal: process.env['PEER_FAL_URL'] ?? '', comfyui: process.env['PEER_COMFYUI_URL'] ?? '' };
}
