import { CancellationScope, condition, log, sleep } from '@temporalio/workflow';
import type { ParkedCount, ProviderHealthRecord } from '../../domain/provider-health';
import { recordHealth } from './watch-activities';

/** A crowd that comes or goes is one write every so often, and no write for each job. */
const countEveryMs = 2000;

/** Keeps the database copy of a provider's health up to date: one write under way, the newest state in the next. */
export class HealthJournal {
  private isDirty = false;
  private isWriting = false;
  private isCounting = false;
  private written = '';

  constructor(private readonly newest: () => ProviderHealthRecord | ParkedCount) {}

  /** Writes soon, in the background: a database that is away never holds up a probe. */
  touch(): void {
    this.isDirty = true;
    if (!this.isWriting) void this.drain();
  }

  /** Writes in a moment, should there be anything new by then. */
  touchLater(): void {
    if (this.isCounting) return;
    this.isCounting = true;
    void CancellationScope.nonCancellable(() => sleep(countEveryMs)).then(() => {
      this.isCounting = false;
      this.touch();
    });
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
      await this.write(this.newest());
    }
    this.isWriting = false;
  }

  private async write(found: ProviderHealthRecord | ParkedCount): Promise<void> {
    const text = JSON.stringify(found);
    if (text === this.written) return;
    try {
      await CancellationScope.nonCancellable(() => recordHealth(found));
      this.written = text;
    } catch (error) {
      this.written = '';
      log.error('the health of a provider could not be recorded', { error });
    }
  }
}
