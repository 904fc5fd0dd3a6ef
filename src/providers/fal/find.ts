import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { canonicalJson } from '../../domain/canonical-json';
import type { JsonObject, JsonValue } from '../../domain/taxonomy';
import { outcomeUnknown } from '../outcome-unknown';
import type { Found, ProviderJob } from '../types';
import type { FalApi } from './api';
import type { FalPlatform } from './platform';
import { falClueSchema, type FalClue, type FalHandle, type ListedRequest } from './wire';

/** By how much Fal's clock and ours may differ. */
const clockSlackMs = 60_000;
/**
 * How long after its end a request may be missing from the list, or its call-back be under way. A call-back that was refused
 * comes again for two hours: by then another job has long been worth its price.
 */
const tellingSlackSeconds = 120;
/** From the clue to the submit: its caller stores the intent in between, and sends nothing after that. */
export const latestSendSeconds = 20;
/** A gateway may pass on what it took before it broke off. */
const closedSlackSeconds = 5;
const shortestAskSeconds = 1;
const longestAskSeconds = 60;

/** What a submit of this body leaves with its intent; nothing where neither the list nor a call-back could tell of it. */
export async function clueOf(
  body: JsonObject,
  { api, platform }: { api: FalApi; platform: FalPlatform },
): Promise<FalClue | undefined> {
  const isListed = await platform.canList();
  const { publicBaseUrl, callbacks } = api.settings;
  if (!isListed && (publicBaseUrl === undefined || callbacks === undefined)) return undefined;
  return { sentAt: new Date().toISOString(), ...(isListed && { inputSha256: sha256(body) }) };
}

/**
 * Looks for a submit whose answer was lost: in our own call-backs, then in Fal's list of requests that ended, where it is
 * known by its endpoint, its time and its input.
 *
 * @throws ProviderError when neither can be asked; `outcome_unknown` where there are call-backs alone, and none came within
 * the longest time of a request.
 */
export async function findSubmit(
  job: ProviderJob,
  clue: JsonValue,
  { api, platform, signal }: { api: FalApi; platform: FalPlatform; signal: AbortSignal },
): Promise<Found> {
  const known = falClueSchema.safeParse(clue).data;
  if (known === undefined) throw outcomeUnknown('fal');
  const sentAtMs = Date.parse(known.sentAt);
  const ours = new Set(job.knownRequestIds);
  const mayBeListed = known.inputSha256 !== undefined;
  const told = await onRecord(job, api).catch((error: unknown) => {
    // Where nothing else can tell, a record that cannot be read says nothing of the submit.
    if (!mayBeListed) throw error;
    return undefined;
  });
  if (told !== undefined) return accepted(api.handleOf(told.requestId, job.endpoint), known.sentAt);

  const settledAtMs = settledAt(job, known, api.settings.settleSeconds);
  // Before the list is asked: what it does not show yet may have ended since.
  const askedAtMs = Date.now();
  const remainingMs = settledAtMs - askedAtMs;
  const askAgainSeconds = pauseSeconds(askedAtMs - sentAtMs);
  const notYet = (reason: string): Found => ({
    kind: 'cannot_tell',
    reason,
    askAgainSeconds: Math.max(shortestAskSeconds, Math.min(askAgainSeconds, remainingMs / 1000)),
  });
  if (!mayBeListed) {
    if (remainingMs > 0) return notYet('Fal calls back only when a request has ended');
    // That no call-back came is no proof: it may have been refused on its way.
    throw outcomeUnknown('fal');
  }
  const listed = await platform.endedRequests({
    endpoint: job.endpoint,
    startMs: sentAtMs - clockSlackMs,
    endMs: Math.min(askedAtMs, settledAtMs) + clockSlackMs,
    signal,
  });
  const requests = await withoutThoseOfOthers(
    listed.filter((request) => wasSentWith(request, sentAtMs, job) && !ours.has(request.request_id)),
    job,
    api,
  );
  const [match] = requests
    .filter(({ json_input: input }) => input !== undefined && sha256(input) === known.inputSha256)
    .sort((left, right) => Date.parse(left.sent_at) - Date.parse(right.sent_at));
  if (match !== undefined) return accepted(api.handleOf(match.request_id, job.endpoint), match.sent_at);

  if (remainingMs > 0) return notYet('Fal lists a request only when it has ended');
  // Whoever tells Fal to keep no payloads gets a list that hides what was sent.
  if (requests.some(({ json_input: input }) => input === undefined || input === null)) {
    const reason = 'Fal kept no input of a request of that time';
    return { kind: 'cannot_tell', reason, askAgainSeconds };
  }
  return { kind: 'never' };
}

/** Seconds after it has reached Fal within which a request has ended and is listed, or told by its call-back. */
function settleSeconds({ deadlines }: ProviderJob, configured: number | undefined): number {
  return configured ?? deadlines.queueSeconds + deadlines.totalSeconds + tellingSlackSeconds;
}

/** Epoch ms. A submit reaches Fal within the time its connection may take; by one that is over nothing more arrives. */
function settledAt(
  job: ProviderJob,
  { sentAt, closedAt }: z.infer<typeof falClueSchema>,
  configured: number | undefined,
): number {
  const { connectSeconds, firstByteSeconds } = job.deadlines;
  const latestMs = Date.parse(sentAt) + (latestSendSeconds + connectSeconds + firstByteSeconds) * 1000;
  const closedMs = closedAt === undefined ? Infinity : Date.parse(closedAt) + closedSlackSeconds * 1000;
  return Math.min(latestMs, closedMs) + settleSeconds(job, configured) * 1000;
}

/** The entry of a request of ours in Fal's list of those that ended. @throws ProviderError when it cannot be read */
export async function listedRequest(
  platform: FalPlatform,
  { requestId, queuedSince, endpoint }: KnownRequest,
  signal: AbortSignal,
): Promise<ListedRequest | undefined> {
  const startMs = Date.parse(queuedSince) - clockSlackMs;
  const endMs = Date.now() + clockSlackMs;
  const entries = await platform.endedRequests({ endpoint, startMs, endMs, requestId, signal });
  return entries.find(({ request_id: id }) => id === requestId);
}

export interface KnownRequest {
  requestId: string;
  /** ISO 8601. */
  queuedSince: string;
  endpoint: string;
}

/** Whether a request must have ended, and be listed, by now. */
export function mustHaveEnded(
  job: ProviderJob,
  queuedSince: string,
  configured: number | undefined,
): boolean {
  return Date.now() > Date.parse(queuedSince) + settleSeconds(job, configured) * 1000;
}

/**
 * What an earlier run submitted under this key, before its workflow was reset: it is collected, and nothing is paid. No
 * request leaves for it.
 */
export async function submittedBefore(job: ProviderJob, api: FalApi): Promise<Accepted | undefined> {
  const told = await onRecord(job, api).catch(() => undefined);
  if (told === undefined) return undefined;
  const { requestId, knownSince } = told;
  return accepted({ ...api.handleOf(requestId, job.endpoint), foundByKey: true }, knownSince);
}

/** Told by a call-back, or by the answer to a submit. @throws where the record cannot be read */
async function onRecord({ jobKey, knownRequestIds = [] }: ProviderJob, { settings }: FalApi) {
  const told = await settings.callbacks?.lookUp(jobKey);
  return told === undefined || knownRequestIds.includes(told.requestId) ? undefined : told;
}

async function withoutThoseOfOthers(
  requests: ListedRequest[],
  { jobKey }: ProviderJob,
  { settings }: FalApi,
): Promise<ListedRequest[]> {
  const ids = requests.map(({ request_id: id }) => id);
  const taken = new Set(await settings.callbacks?.takenByOthers(ids, jobKey));
  return requests.filter(({ request_id: id }) => !taken.has(id));
}

/** Another call with the same input, sent before or after ours, may have ended in the same stretch of time. */
function wasSentWith(
  { sent_at: sentAt }: ListedRequest,
  sentAtMs: number,
  { deadlines }: ProviderJob,
): boolean {
  const { connectSeconds, firstByteSeconds } = deadlines;
  const latestMs = (latestSendSeconds + connectSeconds + firstByteSeconds) * 1000;
  const atMs = Date.parse(sentAt) - sentAtMs;
  return atMs >= -clockSlackMs && atMs <= latestMs + clockSlackMs;
}

type Accepted = Extract<Found, { kind: 'accepted' }>;

function accepted(handle: FalHandle, sentAt: string): Accepted {
  const queuedSince = new Date(sentAt).toISOString();
  return { kind: 'accepted', handle: { ...handle, queuedSince }, providerRequestId: handle.requestId };
}

/** The longer it is out, the rarer: a third of its age. */
function pauseSeconds(ageMs: number): number {
  return Math.min(longestAskSeconds, Math.max(shortestAskSeconds, ageMs / 3000));
}

function sha256(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
