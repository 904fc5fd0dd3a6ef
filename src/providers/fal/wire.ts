import type { QueueStatus } from '@fal-ai/client';
import { z } from 'zod';
import type { JsonValue } from '../../domain/taxonomy';
import { providerRequestIdSchema } from '../http/request-id';

/**
 * Fal's JSON, read tolerantly: only what a decision needs.
 *
 * Only the types of the official client are used. Its submit retries a POST three times whatever its configuration
 * says (measured: 4 POSTs on 503, 429 or a lost connection with `maxRetries: 0`), and a lost answer to the first of
 * them is a job paid twice. It also ignores Retry-After.
 */

/** The job is known to Fal by these from now on; the URLs must be used as given, since their path rule is Fal's own. */
export const falSubmitSchema = z.object({
  /** Stored and shown, so what looks like no name is left out; the URLs still lead to the job. */
  request_id: providerRequestIdSchema.optional().catch(undefined),
  status_url: z.string().min(1),
  response_url: z.string().min(1),
  cancel_url: z.string().min(1),
});

export const falStatusSchema = z.object({
  status: z.string(),
  queue_position: z.number().optional().catch(undefined),
  metrics: z.object({ inference_time: z.number().nonnegative() }).optional().catch(undefined),
  error_type: z.string().optional().catch(undefined),
});
export type FalStatus = z.infer<typeof falStatusSchema>;

/** What each status word means for us. There is no word for failure: a failed job is COMPLETED, its result an error. */
export const phaseOfStatus: Readonly<Record<QueueStatus['status'], 'queued' | 'running' | 'completed'>> = {
  IN_QUEUE: 'queued',
  IN_PROGRESS: 'running',
  COMPLETED: 'completed',
};

/** Narrows the word of a status answer to those of the official client. */
export function isKnownStatus(word: string): word is QueueStatus['status'] {
  return Object.hasOwn(phaseOfStatus, word);
}

export const falCancelSchema = z.object({ status: z.string() });

const media = z.object({ url: z.string() });
/** Generators answer `images` (with a flag per picture, or none), upscalers a single `image`. */
export const falOutputSchema = z.object({
  images: z.array(media).optional(),
  image: media.optional(),
  has_nsfw_concepts: z.array(z.boolean()).optional().catch(undefined),
});
export type FalOutput = z.infer<typeof falOutputSchema>;

export const falUploadSchema = z.object({ upload_url: z.url(), file_url: z.url() });

/** Model errors carry a list of details with a type each; platform errors a text and one type. */
export const falErrorSchema = z.object({
  detail: z
    .union([
      z.string(),
      z.array(z.object({ type: z.string(), loc: z.array(z.unknown()).optional().catch(undefined) })),
    ])
    .optional()
    .catch(undefined),
  error_type: z.string().optional().catch(undefined),
  /** `NOT_FOUND` is all that Fal says of a request it does not know. */
  status: z.string().optional().catch(undefined),
});
export type FalErrorBody = z.infer<typeof falErrorSchema>;

/** A request in the list of those that ended. */
const listedRequestSchema = z.object({
  request_id: providerRequestIdSchema,
  sent_at: z.iso.datetime({ offset: true }),
  status_code: z.number().nullish(),
  /** Absent where Fal was told to keep no payloads. */
  json_input: z.unknown().optional(),
  json_output: z.unknown().optional(),
});
export type ListedRequest = z.infer<typeof listedRequestSchema>;

export const falListSchema = z.object({
  items: z.array(listedRequestSchema),
  next_cursor: z.string().nullish(),
  has_more: z.boolean().optional(),
});

export const falPricesSchema = z.object({
  prices: z.array(
    z.object({ endpoint_id: z.string(), unit_price: z.number().nonnegative(), currency: z.string() }),
  ),
});

/** What a submit leaves with its intent. A type, since an interface is no JSON object. */
export type FalClue = {
  /** ISO 8601, by our own clock. */
  sentAt: string;
  /** SHA-256 of the canonical JSON of the input, hex. Left out where our key may not list: only a call-back can tell. */
  inputSha256?: string;
};

/** The same, of a submit whose connection broke off. */
export type ClosedFalClue = FalClue & {
  /** ISO 8601; nothing more can arrive by it. */
  closedAt: string;
};
export const falClueSchema = z.object({
  sentAt: z.iso.datetime(),
  inputSha256: z.string().optional(),
  closedAt: z.iso.datetime().optional(),
});

const falHandleSchema = z.object({
  requestId: z.string().optional(),
  statusUrl: z.string(),
  responseUrl: z.string(),
  cancelUrl: z.string(),
  endpoint: z.string(),
  brokenReads: z.int().min(1).optional(),
  queuedSince: z.iso.datetime().optional().catch(undefined),
  hasEnded: z.literal(true).optional().catch(undefined),
  foundByKey: z.literal(true).optional().catch(undefined),
});

/** What the dispatch log keeps of a queued job. A type, since an interface is no JSON object. */
export type FalHandle = {
  requestId?: string;
  statusUrl: string;
  responseUrl: string;
  cancelUrl: string;
  endpoint: string;
  /** How often the result came broken; left out for never. */
  brokenReads?: number;
  /** ISO 8601; when the job entered the queue. Absent in handles of older versions. */
  queuedSince?: string;
  /** Fal said that the job is over; left out as long as it has not. */
  hasEnded?: true;
  /** It was on record under our key before anything was paid. */
  foundByKey?: true;
};

/** The handle an earlier call noted; `undefined` when it is none of ours. */
export function recordedHandle(noted: JsonValue): FalHandle | undefined {
  const recorded = falHandleSchema.safeParse(noted).data;
  if (recorded === undefined) return undefined;
  const { requestId, brokenReads, queuedSince, hasEnded, foundByKey, ...handle } = recorded;
  return {
    ...handle,
    ...(requestId !== undefined && { requestId }),
    ...(brokenReads !== undefined && { brokenReads }),
    ...(queuedSince !== undefined && { queuedSince }),
    ...(hasEnded !== undefined && { hasEnded }),
    ...(foundByKey !== undefined && { foundByKey }),
  };
}
