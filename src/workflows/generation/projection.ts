import { CancellationScope, log } from '@temporalio/workflow';
import type { MadePicture } from '../../domain/generation';
import { saveGeneration } from '../activity-options';
import { stateOf, type GenerationRun } from './generation-run';

/** Slots of one set often end within seconds of each other. */
const leastPauseMs = 10_000;

/** Keeps the database copy of a run up to date: at most one save under way, the newest state in the next. */
export class Projection {
  private isDirty = false;
  /** Pictures on their way to the database. */
  private saving: MadePicture[] = [];
  private draining: Promise<void> | undefined;
  /** Epoch ms. The API has just noted what the plan says. */
  private savedAt = Date.now();

  constructor(private readonly run: GenerationRun) {}

  /** Saves soon, in the background: a slow database never holds up a picture. */
  touch(): void {
    this.isDirty = true;
    this.draining ??= this.drain();
  }

  /** The same, unless the last save was only just now: then the next one will do. */
  touchSparingly(): void {
    if (this.sinceLastSaveMs() >= leastPauseMs) this.touch();
  }

  /** Resolves when the newest state is stored; also while the run is being cancelled. */
  async flush(): Promise<void> {
    this.touch();
    await this.draining;
  }

  /** Pictures of which the database may not know yet. */
  unsaved(): MadePicture[] {
    return [...this.saving, ...this.run.unsaved];
  }

  private sinceLastSaveMs(): number {
    return Date.now() - this.savedAt;
  }

  private async drain(): Promise<void> {
    while (this.isDirty) {
      this.isDirty = false;
      this.savedAt = Date.now();
      const made = this.run.unsaved.splice(0);
      const state = stateOf(this.run);
      this.saving = made;
      try {
        const saved = await CancellationScope.nonCancellable(() => saveGeneration({ state, made }));
        this.run.forgottenUsd = saved.forgottenUsd;
      } catch (error) {
        log.error('the state could not be saved', { error });
        this.run.unsaved.unshift(...made);
      }
      this.saving = [];
    }
    this.draining = undefined;
  }
}
