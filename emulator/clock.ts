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

  /** Waits `seconds` of provider time. @throws EraEnded at a reset or stop, an AbortError when `signal` aborts. */
  async wait(seconds: number, signal?: AbortSignal): Promise<void> {
    const { era } = this;
    const ends = signal === undefined ? era : AbortSignal.any([era, signal]);
    try {
      await sleep(seconds * this.#settings.current.timeScale * 1000, undefined, { signal: ends });
    } catch (error) {
      throw era.aborted ? new EraEnded() : error;
    }
  }

  /** Ends every wait that is under way. */
  startNewEra(): void {
    const ended = this.#era;
    this.#era = new AbortController();
    ended.abort();
  }
}

/** Thrown by every wait that a reset or a stop has cut short. */
export class EraEnded extends Error {
  override readonly name = 'EraEnded';

  constructor() {
    super('the emulator was reset or stopped');
  }
}
