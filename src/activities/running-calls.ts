import type { ProviderCharge } from '../providers/errors';
import type { CallContext, ProviderResult } from '../providers/types';
import type { AttemptLog } from './attempt-log';

/** One provider call under way in this process, and the attempt that speaks for it. */
export interface RunningCall {
  result: Promise<ProviderResult>;
  /** Tells the provider to stop. */
  controller: AbortController;
  log: AttemptLog;
  /** After an abort: what the stopped job is billed, where that is known. */
  charge?: ProviderCharge | undefined;
}

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
    const speaker: Pick<RunningCall, 'log' | 'charge'> = { log };
    const result = start({
      signal: controller.signal,
      dispatch: {
        previous: log.previous,
        intent: () => speaker.log.intent(),
        accepted: (handle, id) => speaker.log.accepted(handle, id),
      },
      onProgress: (progress) => {
        speaker.log.showProgress(progress);
      },
      onStopped: (charge) => {
        speaker.charge = charge;
      },
    }).finally(() => this.byJob.delete(jobKey));
    const call: RunningCall = Object.assign(speaker, { result, controller });
    this.byJob.set(jobKey, call);
    return call;
  }
}
