import { EventEmitter, once } from 'node:events';
import { EraEnded, type Clock } from './clock';
import type { SettingsHolder } from './settings';

/** The time of one machine that can be frozen: meanwhile no wait goes on, and afterwards each takes what was left of it. */
export class MachineClock {
  readonly #clock: Clock;
  readonly #settings: SettingsHolder;
  readonly #events = new EventEmitter().setMaxListeners(0);
  #freezing = new AbortController();

  constructor(clock: Clock, settings: SettingsHolder) {
    this.#clock = clock;
    this.#settings = settings;
  }

  /** Waits `seconds` of provider time. @throws EraEnded at a reset or stop, an AbortError when `signal` aborts. */
  async wait(seconds: number, signal: AbortSignal): Promise<void> {
    for (let left = seconds; ;) {
      await this.running(signal);
      const { timeScale } = this.#settings.current;
      const freezing = this.#freezing.signal;
      const began = performance.now();
      try {
        await this.#clock.wait(left, AbortSignal.any([signal, freezing]));
        return;
      } catch (error) {
        if (error instanceof EraEnded || signal.aborted) throw error;
        left = Math.max(0, left - (performance.now() - began) / 1000 / timeScale);
      }
    }
  }

  /** Resolves when the machine is not frozen. @throws an AbortError when `signal` aborts. */
  async running(signal: AbortSignal): Promise<void> {
    while (this.#freezing.signal.aborted) await once(this.#events, 'thaw', { signal });
  }

  freeze(): void {
    this.#freezing.abort();
  }

  thaw(): void {
    this.#freezing = new AbortController();
    this.#events.emit('thaw');
  }
}
