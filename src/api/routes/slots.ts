import { z } from 'zod';
import { slotDecisions } from '../../domain/generation';
import { assertMayMake, callerOf } from '../access/principal';
import { decisionAnswer, startedAnswer } from '../answers/generation';
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
const optionalRegeneration = regeneration.nullish().transform((given) => given ?? {});

/** `POST /v1/generations/{id}/slots/{n}/decide` and `.../regenerate`. */
export function addSlotRoutes(app: ApiServer, context: ApiContext): void {
  app.post(
    '/v1/generations/:id/slots/:slot/decide',
    {
      config: { access: 'start', audit: 'slot.decide' },
      schema: { params, body: decision, response: { 200: decisionAnswer } },
    },
    async (request) => {
      const { body, params } = request;
      const { slot } = params;
      const own = { caller: callerOf(request), id: knownForm(params.id) };
      const record = await decideSlot(context, own, { slot, decision: body.decision });
      const links = generationLinks(record, context.temporal);
      return { id: record.generationId, slot, decision: body.decision, links };
    },
  );

  app.post(
    '/v1/generations/:id/slots/:slot/regenerate',
    {
      config: { access: 'start', effect: 'keyed' },
      schema: { params, body: optionalRegeneration, response: { 200: startedAnswer, 202: startedAnswer } },
    },
    async (request, reply) => {
      const { slot } = request.params;
      const id = knownForm(request.params.id);
      const caller = callerOf(request);
      const order = {
        caller,
        idempotency: idempotencyKeyOf(request),
        resolve: async () => {
          const anew = await regeneratedRequest(context, { caller, id, slot, ...request.body });
          assertMayMake(request, anew.flowRequest.request);
          return anew;
        },
      };
      return sendStarted(reply, await startGeneration(context, order, request.log));
    },
  );
}
