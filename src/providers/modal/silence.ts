import type { CallProgress } from '../types';

/** Of the idle time: soon enough for the heartbeat to tell of the silence within the heartbeat timeout. */
const noticeShare = 2 / 3;

/** Modal says nothing while it works, so silence is no fault for long; who watches the call is shown since when it lasts. */
export class Silence {
  private sinceMs = Date.now();
  private isShown = false;

  constructor(
    private readonly idleSeconds: number,
    private readonly onProgress: (progress: CallProgress) => void,
  ) {}

  /** Counts from now. */
  begin(): void {
    this.sinceMs = Date.now();
  }

  /** Waits for an answer, and tells of the silence until it comes. */
  async until<Answer>(answer: Promise<Answer>): Promise<Answer> {
    const notice = setTimeout(() => this.show(), this.idleSeconds * noticeShare * 1000);
    try {
      const heard = await answer;
      this.end();
      return heard;
    } finally {
      clearTimeout(notice);
    }
  }

  private show(): void {
    this.isShown = true;
    this.onProgress({ phase: 'running', silentSince: new Date(this.sinceMs).toISOString() });
  }

  private end(): void {
    this.begin();
    if (this.isShown) this.onProgress({ phase: 'running' });
    this.isShown = false;
  }
}
