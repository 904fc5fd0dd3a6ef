import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Answer } from '../http/answer';
import type { EmulatorContext } from '../context';
import { isTransportFault } from '../http/deliver';
import type { Fault } from '../faults/faults';
import type { Reaction } from '../http/reaction';
import type { ModalCall } from './modal-call';
import { pendingAnswer, plannedRedirect } from './redirect';

/** Lets requests wait for a call, as long as one request may. */
export class CallReader {
  readonly #context: EmulatorContext;

  constructor(context: EmulatorContext) {
    this.#context = context;
  }

  /** The reaction to one request for the result of a call. */
  async read(
    call: ModalCall,
    request: FastifyRequest,
    reply: FastifyReply,
    pollFault?: Fault,
  ): Promise<Reaction> {
    const settings = this.#context.settings.current;
    if (call.redirectsLeft > 0) {
      call.redirectsLeft -= 1;
      return plannedRedirect(call, request, settings);
    }
    const answer = await this.#waitFor(call, reply);
    if (answer === 'pending') return pendingAnswer(call, request, settings);
    if (answer === undefined) return 'reset';
    const fault = pollFault ?? spendTransportFault(call);
    const onDelivered = (): void => {
      if (answer.status === 200) call.entry.responseDelivered = true;
    };
    return { answer, fault, onDelivered };
  }

  /** Until the call ends, the time limit of one request passes, or the client leaves. */
  async #waitFor(call: ModalCall, reply: FastifyReply): Promise<Answer | 'pending' | undefined> {
    const { settings, clock } = this.#context;
    const limit = new AbortController();
    reply.raw.once('close', () => {
      limit.abort();
    });
    const timeout = clock
      .wait(settings.current.modal.redirectAfterSeconds, limit.signal)
      .then(() => 'pending' as const)
      .catch(() => undefined);
    // The limit is about the provider's time: on a fast clock, our own drawing must not count against it.
    const early = await Promise.race([call.worked, timeout]);
    limit.abort();
    return early === 'pending' ? early : await call.settled;
  }
}

function spendTransportFault(call: ModalCall): Fault | undefined {
  if (call.transportFaultSpent || !isTransportFault(call.fault)) return undefined;
  call.transportFaultSpent = true;
  return call.fault;
}
