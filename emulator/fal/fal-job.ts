import { randomUUID } from 'node:crypto';
import type { Answer } from '../http/answer';
import type { Fault } from '../faults/faults';
import type { JournalEntry } from '../journal';
import { fieldError, platformError } from './errors';
import type { FalOrder } from './prepare-order';
import type { SubmitOptions } from './submit-options';

export type FalStatus = 'IN_QUEUE' | 'IN_PROGRESS' | 'COMPLETED';

export interface FalJobStart {
  endpointId: string;
  prompt: string;
  fault: Fault | undefined;
  input: unknown;
  options: SubmitOptions;
}

/** Units as `x-fal-billable-units` tells them, and what they cost. */
export interface Bill {
  units: number;
  usd: number;
}

/** One request in the queue, or one that was. */
export class FalJob {
  readonly id = randomUUID();
  readonly endpointId: string;
  readonly prompt: string;
  readonly fault: Fault | undefined;
  /** The body as sent. */
  readonly input: unknown;
  readonly options: SubmitOptions;
  readonly sentAt = Date.now();
  /** Unix milliseconds; `null` until the work begins. */
  startedAt: number | null = null;
  /** Unix milliseconds; `null` until it is over, however it ended. */
  endedAt: number | null = null;
  /** Unix milliseconds from which on the platform API lists it. */
  listedFrom = Infinity;
  readonly stop = new AbortController();
  /** Absent for requests that never became a job. */
  entry: JournalEntry | undefined;
  /** What it costs once the work has begun. */
  bill: Bill = { units: 0, usd: 0 };
  /** Provider seconds the model worked, for the metrics. */
  inferenceSeconds: number | null = null;
  polls = 0;
  #status: FalStatus = 'IN_QUEUE';
  #answer: Answer | undefined;
  #wake: () => void = () => undefined;
  #changed = this.#nextChange();

  constructor({ endpointId, prompt, fault, input, options }: FalJobStart) {
    this.endpointId = endpointId;
    this.prompt = prompt;
    this.fault = fault;
    this.input = input;
    this.options = options;
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
    this.startedAt = Date.now();
    this.#status = 'IN_PROGRESS';
    this.wake();
  }

  complete(answer: Answer): void {
    this.endedAt = Date.now();
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

/** A request that is over. */
export type EndedJob = FalJob & { readonly endedAt: number; readonly answer: Answer };

export function hasEnded(job: FalJob): job is EndedJob {
  return job.endedAt !== null && job.answer !== undefined;
}

/** Bill of a request that succeeds: per picture, flagged ones included. */
export function billOf({ endpoint, size, count }: FalOrder, fault: Fault | undefined): Bill {
  if (fault?.name === 'no_images') return { units: 0, usd: 0 };
  const pictures = fault?.name === 'nsfw_partial' ? 2 : count;
  const { usd, per } = endpoint.price;
  const pixels = pictures * size.width * size.height;
  const units = per === 'megapixel' ? pixels / 1_000_000 : pictures;
  return { units, usd: units * usd };
}

/** The answer with the header that tells its bill. */
export function withBill({ status, headers, body }: Answer, { units }: Bill): Answer {
  return { status, headers: { ...headers, 'x-fal-billable-units': String(units) }, body };
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

/** The result of a request that no runner took up in the time its caller gave it. */
export function notStartedResult(): Answer {
  const { status, headers, body } = platformError(504, 'request_timeout', 'Request timed out');
  return { status, headers: { ...headers, 'x-fal-request-timeout-type': 'user' }, body };
}

/** What a cancelled request answers from then on. */
export const cancelledResult = platformError(400, 'request_cancelled', 'Request was cancelled');
