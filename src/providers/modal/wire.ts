import { z } from 'zod';

/**
 * Modal's JSON, read tolerantly: only what a decision needs. Results are raw bytes and have no schema; request bodies
 * come complete from the registry.
 */

/** FastAPI's own words for a body it could not read. */
const validationSchema = z.array(z.object({ loc: z.array(z.unknown()), msg: z.string() })).min(1);

/** A FastAPI error has `detail`; the handlers' catch-all has `error` and `type`, beside a traceback we never read. */
export const modalErrorSchema = z.object({
  detail: z.string().optional().catch(undefined),
  error: z.string().optional().catch(undefined),
  type: z.string().optional().catch(undefined),
});
export type ModalErrorBody = z.infer<typeof modalErrorSchema>;

export const modalValidationSchema = z.object({ detail: validationSchema });

/** Answer of older Modal versions to a POST: where the result will be, from the first second. */
export const modalAcceptedSchema = z.object({ result_url: z.string() });

export const modalHealthSchema = z.object({ status: z.string(), namedJobs: z.unknown().optional() });

/** The version of the named jobs this client speaks, as an app's health names it. */
export const namedJobsVersion = 1;

/** What the dispatch log keeps of a plain call that runs. */
export const plainHandleSchema = z.object({
  resultUrl: z.string(),
  /** How often the result came broken; left out for never. */
  brokenReads: z.int().min(1).optional(),
});

/** What the dispatch log keeps of a named job: as the clue of its submit, and as its handle. */
export const namedHandleSchema = z.object({ key: z.string(), jobUrl: z.url() });
export type NamedHandle = z.infer<typeof namedHandleSchema>;

/** Query parameter of a result URL; its value names the call. */
export const callIdParameter = '__modal_function_call_id';

const figure = z.number().min(0).nullish().catch(undefined);

/** A named job as its app tells it. */
export const namedJobSchema = z.object({
  key: z.string(),
  state: z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled']),
  callId: z.string().nullish().catch(undefined),
  /** What became of a failed job: the answer of its route as it stands, or of its runner. */
  error: z
    .object({
      status: z.int().nullish(),
      body: z.string(),
      code: z.enum(['route_error', 'runner_lost', 'runner_error']),
    })
    .nullish()
    .catch(undefined),
  /** GPU seconds of all runs. */
  seconds: figure,
  /** USD of all runs; none where nobody says. */
  costUsd: figure,
  /** Those of the route's answer that begin with `x-`. */
  headers: z.record(z.string(), z.string()).catch({}),
  bytes: z.int().min(0).nullish().catch(undefined),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullish()
    .catch(undefined),
});
export type NamedJobState = z.infer<typeof namedJobSchema>;

export const stoppedJobSchema = z.object({
  stopped: z.boolean(),
  billing: z.object({ billed: z.boolean(), costUsd: figure }),
});

export const voidedKeySchema = z.object({ key: z.string(), state: z.literal('voided') });

/** How the package refuses, by status. The same words under another status are not its own. */
const refusalCodes = {
  400: ['bad_request'],
  404: ['never_accepted'],
  409: ['other_body', 'already_accepted', 'not_finished'],
  410: ['voided', 'result_gone'],
  413: ['too_large'],
} as const;
export type RefusalCode = (typeof refusalCodes)[keyof typeof refusalCodes][number];

const refusalSchema = z.object({ detail: z.string(), code: z.string() });

/** The code of a refusal of the package itself; `undefined` for an answer of anything else. */
export function refusalCodeOf(status: number, body: unknown): RefusalCode | undefined {
  const code = refusalSchema.safeParse(body).data?.code;
  const codes: readonly RefusalCode[] = Object.hasOwn(refusalCodes, status)
    ? refusalCodes[status as keyof typeof refusalCodes]
    : [];
  return codes.find((known) => known === code);
}
