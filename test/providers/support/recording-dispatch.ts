import type { JsonValue } from '../../../src/domain/taxonomy';
import type { DispatchLog, DispatchState } from '../../../src/providers/types';

type Note = 'intent' | 'undone' | { accepted: JsonValue };

/** A dispatch log that remembers what a client noted, and when. */
export class RecordingDispatch implements DispatchLog {
  /** In order: `intent`, then every handle, or `undone`. */
  readonly notes: Note[] = [];
  /** What the submit left to be found by. */
  clue: JsonValue | undefined;
  /** The provider's own name for the job, as noted last. */
  providerRequestId: string | undefined;
  private waiting: { isReached: (dispatch: RecordingDispatch) => boolean; resolve: () => void }[] = [];

  constructor(readonly previous: DispatchState = { phase: 'none' }) {}

  /** What the next attempt would find as `previous`. */
  get state(): DispatchState {
    const last = this.notes.at(-1);
    if (last === undefined) return this.previous;
    if (last === 'undone') return { phase: 'none' };
    if (last === 'intent') return { phase: 'intent', ...(this.clue !== undefined && { clue: this.clue }) };
    return { phase: 'accepted', handle: last.accepted };
  }

  intent(clue?: JsonValue): Promise<void> {
    this.clue = clue;
    return this.note('intent');
  }

  undone(): void {
    void this.note('undone');
  }

  accepted(handle: JsonValue, providerRequestId?: string): Promise<void> {
    this.providerRequestId = providerRequestId;
    return this.note({ accepted: handle });
  }

  /** Resolves as soon as the log has come so far. */
  async reached(phase: 'intent' | 'accepted'): Promise<void> {
    if (this.has(phase)) return;
    await new Promise<void>((resolve) => {
      this.waiting.push({ isReached: (log) => log.has(phase), resolve });
    });
  }

  private has(phase: 'intent' | 'accepted'): boolean {
    return this.notes.some((note) => phase === 'intent' || typeof note === 'object');
  }

  private note(note: Note): Promise<void> {
    this.notes.push(note);
    const reached = this.waiting.filter(({ isReached }) => isReached(this));
    this.waiting = this.waiting.filter((waiter) => !reached.includes(waiter));
    reached.forEach(({ resolve }) => {
      resolve();
    });
    return Promise.resolve();
  }
}
