import { z } from 'zod';
import { slotDecisions } from '../../domain/generation';
import { callerOf } from '../http/caller';
import type { ApiContext, ApiServer } from '../context';
import { decideSlot } from '../generations/decide-slot';
import { knownForm } from '../generations/generation-id';
import { idempotencyKeyOf } from '../http/idempotency-key';
import { generationLinks } from '../http/links';
import { regeneratedRequest } from '../generations/regenerate-slot';
import { sendStarted } from '../generations/send-started';
import { startGeneration } from '../generations/start-generation';

const slotNumber = z.coerce.number('is the number of a slot, from 1 on').int().min(1).max(1000);
const params = z.object({ id: z.string(), slot: slotNumber });
const decision = z.strictObject({ decision: z.enum(slotDecisions) });
const regeneration = z.strictObject({
  /** The new picture's own; left out: another one than any before. */
  seed: z.int().min(0).max(4_294_967_295).optional(),
  maxCostUsd: z.number().min(0.001).max(1000).optional(),
});
const optionalRegeneration = z.preprocess((value) => value ?? {}, regeneration);

/** `POST /v1/generations/{id}/slots/{n}/decide` and `.../regenerate`. */
export function addSlotRoutes(app: ApiServer, context: ApiContext): void {
  app.post(
    '/v1/generations/:id/slots/:slot/decide',
    { schema: { params, body: decision } },
    async ({ params: { id, slot }, body }) => {
      const record = await decideSlot(context, knownForm(id), { slot, decision: body.decision });
      const links = generationLinks(record, context.temporal);
      return { id: record.generationId, slot, decision: body.decision, links };
    },
  );

  app.post(
    '/v1/generations/:id/slots/:slot/regenerate',
    { schema: { params, body: optionalRegeneration } },
    async (request, reply) => {
      const { slot } = request.params;
      const id = knownForm(request.params.id);
      const order = {
        caller: callerOf(request),
        idempotency: idempotencyKeyOf(request),
        resolve: () => regeneratedRequest(context, { id, slot, ...request.body }),
      };
      return sendStarted(reply, await startGeneration(context, order, request.log));
    },
  );
}
