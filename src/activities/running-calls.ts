import type { CallContext, ProviderResult, Stopped } from '../providers/types';
import type { AttemptLog } from './attempt-log';

/** One provider call under way in this process, and the attempt that speaks for it. */
export interface RunningCall {
  result: Promise<ProviderResult>;
  /** Tells the provider to stop. */
  controller: AbortController;
  log: AttemptLog;
  /** After an abort: what became of the job. */
  stopped?: Stopped | undefined;
}

/** A call that ended while this process was cut off from Temporal has told nobody. Its end is kept this long. */
const keptMs = 15 * 60_000;

/**
 * The provider calls of this process by job. Temporal gives an attempt up when it hears no heartbeat for a while, also
 * when it was itself out of reach; the call does not know and goes on. The next attempt on this worker then takes the call
 * over instead of submitting the job again.
 */
export class RunningCalls {
  private readonly byJob = new Map<string, RunningCall>();

  /** The call that is under way for this job, now speaking through `log`; or the one `start` begins. */
  join(
    jobKey: string,
    log: AttemptLog,
    start: (context: Omit<CallContext, 'media'>) => Promise<ProviderResult>,
  ): RunningCall {
    const running = this.byJob.get(jobKey);
    if (running !== undefined) {
      log.takeOver(running.log);
      running.log = log;
      return running;
    }
    const controller = new AbortController();
    const speaker: Pick<RunningCall, 'log' | 'stopped'> = { log };
    const result = start({
      signal: controller.signal,
      dispatch: {
        previous: log.previous,
        intent: (clue) => speaker.log.intent(clue),
        undone: () => {
          speaker.log.undone();
        },
        accepted: (handle, id) => speaker.log.accepted(handle, id),
      },
      onProgress: (progress) => {
        speaker.log.showProgress(progress);
      },
      onStopped: (stopped) => {
        speaker.stopped = stopped;
      },
    });
    const call: RunningCall = Object.assign(speaker, { result, controller });
    this.byJob.set(jobKey, call);
    void result.then(
      () => this.forgetLater(jobKey),
      () => this.byJob.delete(jobKey),
    );
    return call;
  }

  private forgetLater(jobKey: string): void {
    setTimeout(() => this.byJob.delete(jobKey), keptMs).unref();
  }
}
