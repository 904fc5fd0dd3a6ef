import type { FastifyReply } from 'fastify';
import type { Answer } from './answer';
import { deliver, reset } from './deliver';
import type { Fault } from './faults';
import type { ProviderId } from './provider-id';
import { simpleFaultAnswer } from './simple-faults';

/** Lets a fault of edge or transport answer in place of `answer`. Resolves to whether it did. */
export async function strike(
  reply: FastifyReply,
  provider: ProviderId,
  fault: Fault | undefined,
  answer: Answer,
): Promise<boolean> {
  if (fault === undefined) return false;
  if (fault.name === 'reset_before_headers') {
    cutOff(reply);
    return true;
  }
  const simple = simpleFaultAnswer(provider, fault);
  await (simple === undefined ? deliver(reply, answer, fault) : deliver(reply, simple));
  return true;
}

/** Resets the connection instead of answering. */
export function cutOff(reply: FastifyReply): void {
  reply.hijack();
  reset(reply.raw);
}
