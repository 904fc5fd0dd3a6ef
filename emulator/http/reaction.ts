import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Answer } from './answer';
import { cutOff, deliver, isTransportFault } from './deliver';
import type { Fault } from '../faults/faults';
import type { ProviderId } from '../provider-id';
import { simpleFaultAnswer } from '../faults/simple-faults';

/**
 * What becomes of a request: an answer, an answer that is broken on its way, a reset connection (`reset`), or nothing
 * more because the route has written its answer itself (`handled`).
 */
export type Reaction = Answer | Delivery | 'reset' | 'handled';

/** An answer with what happens to it in transit. */
export interface Delivery {
  answer: Answer;
  fault?: Fault | undefined;
  /** Called when the answer has left whole and unharmed. */
  onDelivered?: (() => void) | undefined;
}

export type Handler = (request: FastifyRequest, reply: FastifyReply) => Reaction | Promise<Reaction>;

/** A route that does what its handler decides. */
export function route(handler: Handler): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  return async (request, reply) => {
    await react(reply, await handler(request, reply));
  };
}

/** Carries out a reaction. */
export async function react(reply: FastifyReply, reaction: Reaction): Promise<void> {
  if (reaction === 'handled') return;
  if (reaction === 'reset') {
    cutOff(reply);
    return;
  }
  const { answer, fault, onDelivered } = 'answer' in reaction ? reaction : { answer: reaction };
  const delivered = await deliver(reply, answer, fault);
  if (delivered && !isTransportFault(fault)) onDelivered?.();
}

/** The reaction to a request that a fault strikes, in place of `answer`; `undefined` when none does. */
export function struck(provider: ProviderId, fault: Fault | undefined, answer: Answer): Reaction | undefined {
  if (fault === undefined) return undefined;
  if (fault.name === 'reset_before_headers') return 'reset';
  return simpleFaultAnswer(provider, fault) ?? { answer, fault };
}
