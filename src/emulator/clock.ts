import { setTimeout as sleep } from 'node:timers/promises';
import type { SettingsHolder } from './settings';

/** Scaled time. Everything that waits does so here, so a reset or a stop ends every wait at once. */
export class Clock {
  readonly #settings: SettingsHolder;
  #era = new AbortController();

  constructor(settings: SettingsHolder) {
    this.#settings = settings;
  }

  /** Aborts when the emulator is reset or closed. */
  get era(): AbortSignal {
    return this.#era.signal;
  }

  /** Waits `seconds` of provider time. @throws the abort reason when `signal` or the era ends first. */
  async wait(seconds: number, signal?: AbortSignal): Promise<void> {
    const ends = signal === undefined ? this.era : AbortSignal.any([this.era, signal]);
    await sleep(seconds * this.#settings.current.timeScale * 1000, undefined, { signal: ends });
  }

  /** Ends every wait that is under way. */
  startNewEra(): void {
    const ended = this.#era;
    this.#era = new AbortController();
    ended.abort(new EraEnded());
  }
}

/** Reason of every wait that a reset or a stop has cut short. */
export class EraEnded extends Error {
  override readonly name = 'EraEnded';

  constructor() {
    super('the emulator was reset or stopped');
  }
}
