import type { SubmitRefusal } from './wire';

/** Thrown when the pod's validation refused a graph or a part of it. */
export class SubmitRefused extends Error {
  override readonly name = 'SubmitRefused';
  /** The id under which the valid rest of the graph was queued all the same; it must be taken out again. */
  readonly queuedAs: string | undefined;

  constructor(
    readonly refusal: SubmitRefusal,
    { queuedAs }: { queuedAs: string | undefined },
  ) {
    super('the graph was refused');
    this.queuedAs = queuedAs;
  }
}
