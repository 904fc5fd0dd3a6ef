import { setTimeout as delay } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import {
  isFindable,
  type DispatchState,
  type GenerateMediaInput,
  type GenerateMediaResult,
} from '../domain/dispatch';
import type { HttpDeadlines, PlannedCandidate } from '../domain/plan';
import type { ProviderName } from '../domain/taxonomy';
import { ProviderError } from '../providers/errors';
import { runJob } from '../providers/run-job';
import type { MediaStore } from '../domain/media';
import type { CallContext, ProviderClient, ProviderJob, ProviderResult, Stopped } from '../providers/types';
import { expectedSizeOf } from '../registry';
import { AttemptLog } from './attempt-log';
import { chargeOf, chargeOfStopped, costOfResult } from './charge';
import { asProviderError, toApplicationFailure } from './failures';
import type { ProviderHealthPort } from './provider-health';
import { RunningCalls } from './running-calls';

export interface GenerateMediaDependencies {
  /** A provider without a client is disabled on this worker. */
  clients: Readonly<Partial<Record<ProviderName, ProviderClient>>>;
  /** The asset store as this provider's client sees it. */
  media: (provider: ProviderName) => MediaStore;
  health: ProviderHealthPort;
  /** Task queue of this process alone, on which its calls can be taken over. Left out: nobody can. */
  processTaskQueue?: string | undefined;
}

/**
 * The activity that calls a provider: at most one submit that may be paid, waited for and stored. Temporal repeats it
 * only after a failure that surely sent nothing; whatever else happens is the workflow's to judge.
 */
export function createGenerateMedia(dependencies: GenerateMediaDependencies) {
  const calls = new RunningCalls();
  const { clients, health, processTaskQueue } = dependencies;
  return async function generateMedia(input: GenerateMediaInput): Promise<GenerateMediaResult> {
    const context = Context.current();
    const { candidate } = input;
    const client = clients[candidate.provider];
    const log = new AttemptLog(context, input, processTaskQueue, (way) => client?.goesByKey?.(way) === true);
    const stopBeating = log.keepAlive();
    const call = calls.join(input.jobKey, log, (parts) => callProvider(dependencies, input, parts));
    const ended = new AbortController();
    abortWhenUnwanted(context, call.controller, ended.signal);
    try {
      const result = await call.result;
      health.succeeded(candidate.provider);
      return succeeded(result, candidate, log);
    } catch (error) {
      if (call.controller.signal.aborted) throw cancelled(log, candidate, call.stopped);
      const failure = asProviderError(error, candidate.provider, log);
      if (failure !== error) context.log.error('unexpected error in a provider call', { error });
      health.failed(candidate.provider, failure, candidate.app);
      throw await failed(failure, candidate, log);
    } finally {
      stopBeating();
      ended.abort();
    }
  };
}

async function callProvider(
  { clients, media, health }: GenerateMediaDependencies,
  { jobKey, candidate, knownRequestIds, deadlineAt, isUrged, asksFirst }: GenerateMediaInput,
  parts: Omit<CallContext, 'media'>,
): Promise<ProviderResult> {
  const { provider, policy } = candidate;
  const { previous } = parts.dispatch;
  const client = clients[provider];
  if (client === undefined) throw disabled(provider);
  // Where nothing can be found out, the client says so without a request, and no outage need be waited for.
  const isMoot = previous.phase === 'intent' && !isFindable(previous);
  const downSince = isMoot ? undefined : health.downSince(provider);
  if (downSince !== undefined) throw knownDown(provider, downSince);
  if (previous.phase === 'none' && Date.now() >= Date.parse(deadlineAt)) throw tooLate(provider);
  const busyMs = health.busyMs(provider);
  if (previous.phase === 'none' && busyMs > 0 && isUrged !== true) throw busy(provider, busyMs);
  const deadlines =
    asksFirst === true && previous.phase === 'none'
      ? await askFirst(client, candidate, parts.signal)
      : policy.http;
  // The question may have taken minutes.
  if (previous.phase === 'none' && Date.now() >= Date.parse(deadlineAt)) throw tooLate(provider);
  const job = { ...providerJobOf(candidate, jobKey, deadlines), knownRequestIds };
  return await runJob(client, job, { ...parts, media: media(provider) });
}

/** A planned call as a provider client takes it. */
export function providerJobOf(
  { endpoint, app, parameters, inputs, mediaKind, leastSize, policy }: PlannedCandidate,
  jobKey: string,
  deadlines: HttpDeadlines = policy.http,
): ProviderJob {
  const expectedSize = mediaKind === 'image' ? (expectedSizeOf(parameters) ?? leastSize) : undefined;
  return { jobKey, endpoint, app, parameters, inputs, mediaKind, deadlines, expectedSize };
}

/**
 * Aborts when the caller cancelled, or when the workflow was ended from outside, and for nothing else: a stopping worker
 * lets its calls finish, and a call that timed out here may already go on elsewhere under the same handle.
 */
function abortWhenUnwanted(context: Context, controller: AbortController, ended: AbortSignal): void {
  context.cancelled.catch(async (reason: unknown) => {
    const { cancelRequested, notFound } = context.cancellationDetails ?? {};
    if (cancelRequested === true) controller.abort(reason);
    else if (notFound === true && (await isWorkflowClosed(context, ended))) controller.abort(reason);
  });
}

/** Between two questions to a Temporal server that does not answer. */
const askAgainMs = 5000;

/**
 * Temporal does not know the activity any more: it timed out, or its workflow was ended. After a reset another run is open,
 * and wants the same job.
 */
async function isWorkflowClosed(context: Context, ended: AbortSignal): Promise<boolean> {
  const { client, info, log } = context;
  if (info.workflowExecution === undefined || ended.aborted) return false;
  try {
    const { closeTime } = await client.workflow.getHandle(info.workflowExecution.workflowId).describe();
    return closeTime !== undefined;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return true;
    log.warn('nobody can say whether the workflow of this call is still there', { error });
    await delay(askAgainMs, undefined, { signal: ended, ref: false }).catch(() => undefined);
    return await isWorkflowClosed(context, ended);
  }
}

function disabled(provider: ProviderName): ProviderError {
  const message = `${provider} is disabled on this worker: it has no credential.`;
  const code = 'provider_disabled';
  return new ProviderError(message, { provider, code, outcome: 'nothing_sent' });
}

/** Only its watch asks a provider that is down whether it is back. */
function knownDown(provider: ProviderName, since: string): ProviderError {
  const message = `${provider} is known to be down since ${since}; nothing was sent.`;
  const code = 'provider_down';
  return new ProviderError(message, { provider, code, outcome: 'nothing_sent' });
}

/**
 * An earlier submit may have been paid for nothing; before the next one the provider must say that it is well. Returns what
 * is left of the call's time.
 *
 * @throws ProviderError when it is not well, or says nothing for as long as it may take to start.
 */
async function askFirst(
  client: ProviderClient,
  { app, policy }: PlannedCandidate,
  signal: AbortSignal,
): Promise<HttpDeadlines> {
  const { provider } = client;
  const { firstByteSeconds: patienceSeconds, totalSeconds } = policy.http;
  const askedAt = Date.now();
  const { healthy, isSilent, detail, status } = await client.checkHealth({ signal, app, patienceSeconds });
  signal.throwIfAborted();
  if (healthy) return { ...policy.http, totalSeconds: totalSeconds - (Date.now() - askedAt) / 1000 };
  throw new ProviderError(`${provider} is not well (${detail}); nothing was sent.`, {
    provider,
    code: isSilent === true ? 'provider_silent' : 'provider_unwell',
    outcome: 'nothing_sent',
    status,
  });
}

/** All calls that were told to stay away would otherwise come back in the same instant. */
const busySpreadMs = 3000;

/** It asked one call to stay away for a while, and means all of them. */
function busy(provider: ProviderName, busyMs: number): ProviderError {
  const seconds = Math.ceil(busyMs / 1000);
  const message = `${provider} asked not to be called for another ${String(seconds)} s; nothing was sent.`;
  return new ProviderError(message, {
    provider,
    code: 'provider_busy',
    outcome: 'nothing_sent',
    retryAfterMs: busyMs + Math.round(Math.random() * busySpreadMs),
  });
}

function tooLate(provider: ProviderName): ProviderError {
  const message = 'The deadline of the job passed before the call was sent.';
  const code = 'deadline_passed';
  return new ProviderError(message, { provider, code, outcome: 'nothing_sent' });
}

function succeeded(
  result: ProviderResult,
  candidate: PlannedCandidate,
  log: AttemptLog,
): GenerateMediaResult {
  const cost = costOfResult(result.costUsd, candidate);
  const { providerRequestId, billing } = result;
  const known = { providerRequestId, ...(billing !== undefined && { billing }), ...cost };
  const trail = log.close({ outcome: 'succeeded', certainty: 'accepted', ...known });
  return { asset: result.assets[0], trail, ...known };
}

function cancelled(
  log: AttemptLog,
  { priceUsd }: PlannedCandidate,
  stopped: Stopped | undefined,
): CancelledFailure {
  const certainty = stopped?.kind === 'never' ? 'not_sent' : log.certainty();
  const isOver = certainty === 'not_sent' || (stopped?.kind === 'stopped' && stopped.handle === undefined);
  // The clean-up goes on asking for any other: it may still make a picture, or has made one.
  const dispatch: DispatchState = isOver ? { phase: 'none' } : log.dispatch;
  const trail = log.close({
    outcome: 'cancelled',
    certainty,
    message: 'Cancelled by the caller.',
    ...(!isFindable(dispatch) && chargeOfStopped(stopped, certainty, priceUsd)),
  });
  return new CancelledFailure('cancelled', [{ trail, dispatch }]);
}

async function failed(failure: ProviderError, candidate: PlannedCandidate, log: AttemptLog): Promise<Error> {
  const dispatch = log.dispatchAfter(failure);
  const { worker, previous } = log;
  log.close({
    outcome: 'failed',
    errorClass: failure.failureClass,
    errorCode: failure.code,
    message: failure.message,
    // Says what is not known of the call before; this one sent nothing.
    certainty: failure.code === 'outcome_unknown' ? 'not_sent' : failure.certainty,
    providerRequestId: failure.providerRequestId,
    ...(failure.billing !== undefined && { billing: failure.billing }),
    ...chargeOf(failure, dispatch, candidate.priceUsd),
  });
  const end = { trail: log.trail, previous, dispatch, worker };
  const applicationFailure = toApplicationFailure(failure, candidate, end);
  if (applicationFailure.nonRetryable !== true) await log.handOver();
  return applicationFailure;
}
