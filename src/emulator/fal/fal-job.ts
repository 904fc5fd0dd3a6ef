import { randomUUID } from 'node:crypto';
import type { Answer } from '../answer';
import type { Fault } from '../faults';
import type { JournalEntry } from '../journal';
import { fieldError, platformError } from './errors';
import type { FalOrder } from './prepare-order';

export type FalStatus = 'IN_QUEUE' | 'IN_PROGRESS' | 'COMPLETED';

/** One request in the queue, or one that was. */
export class FalJob {
  readonly id = randomUUID();
  readonly endpointId: string;
  readonly prompt: string;
  readonly fault: Fault | undefined;
  readonly stop = new AbortController();
  /** Absent for requests that never became a job. */
  entry: JournalEntry | undefined;
  /** USD once the work has begun. */
  chargeUsd = 0;
  /** Provider seconds the model worked, for the metrics. */
  inferenceSeconds: number | null = null;
  polls = 0;
  #status: FalStatus = 'IN_QUEUE';
  #answer: Answer | undefined;
  #wake: () => void = () => undefined;
  #changed = this.#nextChange();

  constructor(endpointId: string, prompt: string, fault: Fault | undefined) {
    this.endpointId = endpointId;
    this.prompt = prompt;
    this.fault = fault;
  }

  get status(): FalStatus {
    return this.#status;
  }

  get answer(): Answer | undefined {
    return this.#answer;
  }

  /** Resolves at the next change of the status. */
  get changed(): Promise<void> {
    return this.#changed;
  }

  begin(): void {
    this.#status = 'IN_PROGRESS';
    this.wake();
  }

  complete(answer: Answer): void {
    this.#answer = answer;
    this.#status = 'COMPLETED';
    this.wake();
  }

  /** Lets everyone who waits for a change look again. */
  wake(): void {
    const wake = this.#wake;
    this.#changed = this.#nextChange();
    wake();
  }

  async #nextChange(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** USD of a request that succeeds: per picture, flagged ones included. */
export function costUsd({ endpoint, size, count }: FalOrder, fault: Fault | undefined): number {
  if (fault?.name === 'no_images') return 0;
  const pictures = fault?.name === 'nsfw_partial' ? 2 : count;
  const { usd, per } = endpoint.price;
  const megapixels = (size.width * size.height) / 1_000_000;
  return usd * pictures * (per === 'megapixel' ? megapixels : 1);
}

/** The result a fault puts in place of the pictures. */
export function faultyResult(fault: Fault | undefined): Answer | undefined {
  if (fault?.name === 'policy_422') {
    const msg = 'The content could not be processed because it was flagged by a content checker.';
    return fieldError('prompt', 'content_policy_violation', msg);
  }
  if (fault?.name !== 'completed_then_error') return undefined;
  const { status = 500, type = 'internal_server_error', message = 'Internal server error' } = fault.params;
  if (status === 422) return fieldError('prompt', type, message);
  const { headers, body } = platformError(status, type, message);
  const blame = fault.params.userTimeout === true ? { 'x-fal-request-timeout-type': 'user' } : {};
  return { status, headers: { ...headers, ...blame }, body };
}

/** What a cancelled request answers from then on. */
export const cancelledResult = platformError(400, 'request_cancelled', 'Request was cancelled');
