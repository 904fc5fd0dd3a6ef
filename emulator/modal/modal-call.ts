import type { Answer } from '../http/answer';
import type { Fault } from '../faults/faults';
import type { JournalEntry } from '../journal';
import type { ModalEndpoint } from './endpoints';

/** A function call: runs to its end whoever still listens, and its result can be read more than once. */
export interface ModalCall {
  readonly id: string;
  readonly endpoint: ModalEndpoint;
  readonly entry: JournalEntry;
  readonly fault: Fault | undefined;
  /** Resolves when the provider's time for the call is over; drawing the result may take a moment longer. */
  readonly worked: Promise<unknown>;
  /** Resolves with the answer, or with `undefined` when the call was lost. */
  readonly settled: Promise<Answer | undefined>;
  /** Cuts the call off: its containers are gone. */
  readonly stop: AbortController;
  redirectsLeft: number;
  resetsLeft: number;
  /** The transport fault strikes one reading only. */
  transportFaultSpent: boolean;
}
