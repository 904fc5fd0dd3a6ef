import type { FastifyRequest } from 'fastify';
import { jsonAnswer, textAnswer, type Answer } from '../http/answer';
import type { FaultName } from '../faults/fault-catalogue';
import type { Fault } from '../faults/faults';
import type { EmulatorSettings } from '../settings';
import type { ModalCall } from './modal-call';

/** Query parameter that leads from a redirect to the call it belongs to. */
export const callIdParameter = '__modal_function_call_id';

/** A name that never resolves: a client that follows it anyway shows up as a failed look-up. */
const foreignOrigin = 'http://elsewhere.invalid';

const plannedRedirects: Partial<Record<FaultName, (fault: Fault) => number>> = {
  redirect_chain: ({ params }) => params.hops ?? 3,
  redirect_foreign: () => 1,
  redirect_no_location: () => 1,
  redirect_lost_poll: () => 1,
  accepted_202: () => 1,
};

/** Redirects a fault asks for before the answer, whether the call is done or not. */
export function redirectsBefore(fault: Fault | undefined): number {
  return fault === undefined ? 0 : (plannedRedirects[fault.name]?.(fault) ?? 0);
}

/** The redirect a fault has planned for this call. */
export function plannedRedirect(
  call: ModalCall,
  request: FastifyRequest,
  settings: EmulatorSettings,
): Answer {
  const { fault } = call;
  if (fault?.name === 'accepted_202') {
    return jsonAnswer(202, { result_url: resultUrl(call, originOf(request)) });
  }
  if (fault?.name === 'redirect_no_location') return { status: 303, headers: {}, body: Buffer.alloc(0) };
  if (fault?.name === 'redirect_foreign') {
    return redirectTo(resultUrl(call, fault.params.origin ?? foreignOrigin), 303);
  }
  return ownRedirect(call, request, settings, 303);
}

/** What a call that is still running answers when the time of one request is over. */
export function pendingAnswer(call: ModalCall, request: FastifyRequest, settings: EmulatorSettings): Answer {
  const status = request.method === 'GET' ? settings.modal.pendingStatus : 303;
  if (status === 408) return textAnswer(408, 'modal-http: request timed out');
  return ownRedirect(call, request, settings, status);
}

function ownRedirect(
  call: ModalCall,
  request: FastifyRequest,
  { modal }: EmulatorSettings,
  status: number,
): Answer {
  const relative = modal.redirectLocation === 'relative';
  return redirectTo(relative ? query(call) : resultUrl(call, originOf(request)), status);
}

function redirectTo(location: string, status: number): Answer {
  return { status, headers: { location }, body: Buffer.alloc(0) };
}

function resultUrl(call: ModalCall, origin: string): string {
  return `${origin}/${call.endpoint.app}${call.endpoint.path}${query(call)}`;
}

function query(call: ModalCall): string {
  return `?${callIdParameter}=${call.id}`;
}

function originOf(request: FastifyRequest): string {
  return `http://${request.headers.host ?? 'localhost'}`;
}
