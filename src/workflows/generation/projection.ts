import { condition, log } from '@temporalio/workflow';
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
  /** Of the state that was saved last. */
  private savedRevision = 0;
  private isFlushed = false;
  private isDue = false;

  constructor(private readonly run: GenerationRun) {}

  /** Saves soon, in the background: a slow database never holds up a picture. */
  touch(): void {
    this.isDirty = true;
    this.draining ??= this.drain();
  }

  /** The same, but not sooner than a while after the last save: one save for all slots that end meanwhile. */
  touchSparingly(): void {
    if (this.restMs() <= 0) this.touch();
    else if (!this.isDue) void this.saveLater();
  }

  /** Resolves when the newest state is stored; also while the run is being cancelled. */
  async flush(): Promise<void> {
    this.isFlushed = true;
    if (this.run.state.revision !== this.savedRevision || this.run.unsaved.length > 0) this.touch();
    await this.draining;
  }

  /** Pictures of which the database may not know yet. */
  unsaved(): MadePicture[] {
    return [...this.saving, ...this.run.unsaved];
  }

  private restMs(): number {
    return this.savedAt + leastPauseMs - Date.now();
  }

  private async saveLater(): Promise<void> {
    this.isDue = true;
    await condition(() => this.isFlushed, this.restMs());
    this.isDue = false;
    if (!this.isFlushed) this.touch();
  }

  private async drain(): Promise<void> {
    while (this.isDirty) {
      this.isDirty = false;
      this.savedAt = Date.now();
      const made = this.run.unsaved.splice(0);
      const state = stateOf(this.run);
      this.savedRevision = state.revision;
      this.saving = made;
      try {
        const saved = await saveGeneration({ state, made });
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
