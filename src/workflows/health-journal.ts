import { CancellationScope, condition, log } from '@temporalio/workflow';
import type { ProviderHealthRecord } from '../domain/provider-health';
import { recordHealth } from './watch-activities';

/** Keeps the database copy of a provider's health up to date: one write under way, the newest state in the next. */
export class HealthJournal {
  private isDirty = false;
  private isWriting = false;

  /** `newest` gives what is to be written; `undefined` while nothing is known. */
  constructor(private readonly newest: () => ProviderHealthRecord | undefined) {}

  /** Writes soon, in the background: a database that is away never holds up a probe. */
  touch(): void {
    this.isDirty = true;
    if (!this.isWriting) void this.drain();
  }

  /** Whether the newest state is stored. */
  get isIdle(): boolean {
    return !this.isWriting;
  }

  /** Resolves when the newest state is stored, or after `limitMs`. */
  async settled(limitMs: number): Promise<void> {
    await condition(() => !this.isWriting, limitMs);
  }

  private async drain(): Promise<void> {
    this.isWriting = true;
    while (this.isDirty) {
      this.isDirty = false;
      const health = this.newest();
      if (health === undefined) continue;
      await CancellationScope.nonCancellable(() => recordHealth(health)).catch((error: unknown) => {
        log.error('the health of a provider could not be recorded', { error });
      });
    }
    this.isWriting = false;
  }
}
