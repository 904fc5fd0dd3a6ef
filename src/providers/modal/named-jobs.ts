import type { JsonValue } from '../../domain/taxonomy';
import { runVerb, toProviderError, type CallState } from '../call-failure';
import { pause } from '../http/deadlines';
import { ProviderError } from '../errors';
import type { HttpClient } from '../http/http';
import { jobElsewhere, outcomeUnknown } from '../outcome-unknown';
import { resolveSameOrigin } from '../http/remote-url';
import type {
  CollectContext,
  FindContext,
  Found,
  ProviderJob,
  ProviderResult,
  Stopped,
  SubmitContext,
  Submitted,
  UnwantedJob,
} from '../types';
import { askAgain } from './ask-again';
import { modalUrl } from './endpoint-url';
import { tooLarge } from './errors';
import { callIdOf, chargeOf, endOf } from './named-end';
import {
  jobUnknown,
  nameOf,
  NamedJobRequests,
  type NamedAnswer,
  type NamedRequestOptions,
} from './named-job-requests';
import { storeNamedResult } from './named-result';
import { wireBody } from './plain-call';
import { namedHandleSchema, type NamedHandle, type NamedJobState } from './wire';

export interface NamedJobsOptions {
  http: HttpClient;
  baseUrl: string;
  headers: Readonly<Record<string, string>>;
}

/** A name that was voided after its submit was lost is spent; the job then goes by the next one. */
const mostNames = 9;
/** How long a look may wait for the job's end. */
const waitSeconds = 25;
/** Times in a row a job is asked for in vain. */
const mostVainAsks = 2;
/** Between two looks where the first did not wait. */
const lookPauseMs = 500;

/**
 * Jobs that have a name before they are paid: whatever was lost on the way can be asked for by it, and a name that was
 * never accepted can be made void.
 */
export class NamedJobs {
  constructor(private readonly options: NamedJobsOptions) {}

  /** At most one job is accepted under any of its names: the next one is taken only where the one before is void. */
  async submit(job: ProviderJob, context: SubmitContext): Promise<Submitted> {
    const state = callState('preparing');
    return await runVerb(context.signal, state, async () => {
      const body = await wireBody(job, context.media);
      const order = Buffer.from(JSON.stringify({ path: job.endpoint, body }));
      for (let number = 1; number <= mostNames; number += 1) {
        const handle = this.handleOf(job, number);
        state.stage = 'preparing';
        if (number > 1 && (await this.isVoid(handle, job, context))) continue;
        await context.intent(handle);
        state.stage = 'submitting';
        context.onProgress({ phase: 'queued' });
        const answer = await this.requestsFor(handle, job, context, 'nobody_knows').put(order);
        if (answer.kind === 'job') return accepted(handle, answer.job);
        if (answer.kind !== 'voided') throw refusedSubmit(answer);
      }
      // The key has no name left: only a job that is over leaves it to the next one to take another.
      throw new ProviderError('the names of this job were all made void', {
        ...{ provider: 'modal', code: 'job_voided', outcome: 'ended_free' },
      });
    });
  }

  async find(job: ProviderJob, clue: JsonValue, context: FindContext): Promise<Found> {
    try {
      return await runVerb(context.signal, callState('submitting'), async () => {
        const handle = this.ownHandle(job, clue);
        const requests = this.requestsFor(handle, job, context, 'nobody_knows');
        const answer = await requests.state();
        if (answer.kind === 'refused' && answer.code === 'never_accepted')
          return foundIn(handle, await requests.void());
        return foundIn(handle, answer);
      });
    } catch (error) {
      // A question that did not leave says nothing of the submit it asks about.
      throw error instanceof ProviderError ? error.with({ outcome: 'nobody_knows' }) : error;
    }
  }

  async collect(job: ProviderJob, handle: JsonValue, context: CollectContext): Promise<ProviderResult> {
    const state = callState('accepted');
    return await runVerb(context.signal, state, async () => {
      const requests = this.requestsFor(this.ownHandle(job, handle), job, context, 'still_there');
      const ended = await awaitEnd(requests, context);
      state.providerRequestId = callIdOf(ended);
      if (ended.state !== 'succeeded') throw endOf(ended);
      context.onProgress({ phase: 'downloading' });
      const { mediaKind: expects, expectedSize } = job;
      const { signal } = context;
      const result = await storeNamedResult(requests, ended, context.media, {
        signal,
        expects,
        expectedSize,
      });
      return { ...result, providerRequestId: state.providerRequestId };
    });
  }

  async stop(job: UnwantedJob, { signal }: { signal: AbortSignal }): Promise<Stopped> {
    try {
      return await this.tryToStop(job, signal);
    } catch (error) {
      const { message } = toProviderError(error, callState('accepted'));
      return { kind: 'cannot_tell', reason: message };
    }
  }

  private async tryToStop(job: UnwantedJob, signal: AbortSignal): Promise<Stopped> {
    const { dispatch } = job;
    if (dispatch.phase === 'none') return { kind: 'never' };
    const known = dispatch.phase === 'accepted' ? dispatch.handle : (dispatch.clue ?? null);
    const handle = this.ownHandle(job, known);
    const requests = this.requestsFor(handle, job, { signal }, 'still_there');
    const stop = async () => await askAgain(signal, 1, async () => await requests.stop());
    const answer = await stop();
    const isForgotten = answer.kind === 'refused' && answer.code === 'never_accepted';
    // What was accepted and is not known any more may have run.
    if (!isForgotten || dispatch.phase === 'accepted') return stoppedIn(handle, answer);
    const voided = await requests.void();
    return stoppedIn(handle, isAlreadyAccepted(voided) ? await stop() : voided);
  }

  /** The first name is nearly always free. Behind a void one each is asked for before a body is sent, which may be large. */
  private async isVoid(handle: NamedHandle, job: ProviderJob, context: FindContext): Promise<boolean> {
    return (await this.requestsFor(handle, job, context, 'nothing_sent').state()).kind === 'voided';
  }

  private handleOf(job: ProviderJob, number: number): NamedHandle {
    const key = nameOf(job.jobKey, number);
    return { key, jobUrl: modalUrl(this.options.baseUrl, job.app, `/jobs/${key}`) };
  }

  /** The configuration may have changed since the handle was recorded. */
  private ownHandle(job: ProviderJob, recorded: JsonValue): NamedHandle {
    const handle = namedHandleSchema.safeParse(recorded).data;
    if (handle === undefined) throw outcomeUnknown('modal');
    const jobUrl = resolveSameOrigin(handle.jobUrl, this.handleOf(job, 1).jobUrl);
    if (jobUrl === undefined) throw jobElsewhere('modal');
    return { key: handle.key, jobUrl };
  }

  private requestsFor(
    handle: NamedHandle,
    job: ProviderJob,
    { signal }: FindContext,
    outcome: NamedRequestOptions['outcome'],
  ): NamedJobRequests {
    const { http, headers } = this.options;
    const { idleSeconds } = job.deadlines;
    return new NamedJobRequests({ http, headers, handle, signal, idleSeconds, outcome });
  }
}

function callState(stage: CallState['stage']): CallState {
  return { provider: 'modal', stage, blankIs: 'corrupt' };
}

function accepted(handle: NamedHandle, job: NamedJobState): Extract<Found, { kind: 'accepted' }> {
  return { kind: 'accepted', handle: { ...handle }, providerRequestId: callIdOf(job) };
}

type Refused = Exclude<NamedAnswer, { kind: 'job' | 'voided' }>;

/** The package turned the submit itself down. */
function refusedSubmit(answer: Refused): ProviderError {
  if (answer.kind === 'refused' && answer.code === 'too_large') return tooLarge(answer.status);
  const isTaken = answer.kind === 'refused' && answer.code === 'other_body';
  const message = isTaken
    ? 'another job has the name of this one at Modal'
    : 'Modal did not understand the submit of a named job';
  return new ProviderError(message, {
    ...{ provider: 'modal', outcome: 'nothing_sent' },
    code: isTaken ? 'job_name_taken' : 'submit_not_understood',
    status: answer.kind === 'refused' ? answer.status : undefined,
  });
}

function foundIn(handle: NamedHandle, answer: NamedAnswer): Found {
  if (answer.kind === 'job' || answer.kind === 'stopped') return accepted(handle, answer.job);
  if (answer.kind === 'voided') return { kind: 'never' };
  if (isAlreadyAccepted(answer)) {
    return answer.job === undefined
      ? { kind: 'accepted', handle: { ...handle } }
      : accepted(handle, answer.job);
  }
  return { kind: 'cannot_tell', reason: `Modal answered ${answer.code}`, askAgainSeconds: 5 };
}

function isAlreadyAccepted(answer: NamedAnswer): boolean {
  return answer.kind === 'refused' && answer.code === 'already_accepted';
}

function stoppedIn(handle: NamedHandle, answer: NamedAnswer): Stopped {
  if (answer.kind === 'voided') return { kind: 'never' };
  if (answer.kind === 'refused')
    return { kind: 'cannot_tell', reason: `Modal answered ${answer.code} to a stop` };
  const { job } = answer;
  if (job.state === 'succeeded') return { kind: 'finished', handle: { ...handle } };
  const isOver = job.state === 'failed' || job.state === 'cancelled';
  if (answer.kind !== 'stopped' || !isOver)
    return { kind: 'cannot_tell', reason: `Modal left the job ${job.state}` };
  return { kind: 'stopped', charge: answer.isBilled ? chargeOf(job) : 'none' };
}

/** Waits until the job has ended, however long that takes. */
async function awaitEnd(requests: NamedJobRequests, context: CollectContext): Promise<NamedJobState> {
  const { signal } = context;
  for (;;) {
    const askedAt = Date.now();
    const answer = await askAgain(signal, mostVainAsks, async (vain) => {
      // Whether anybody is there shows soonest where there is nothing to wait for.
      const heard = await requests.state(vain === 0 ? waitSeconds : 0);
      if (heard.kind === 'job') return heard.job;
      throw jobUnknown();
    });
    if (answer.state !== 'queued' && answer.state !== 'running') return answer;
    context.onProgress({ phase: answer.state });
    await pause(Math.max(0, lookPauseMs - (Date.now() - askedAt)), signal);
  }
}
