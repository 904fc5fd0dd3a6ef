/**
 * What repeating the very same request leads to.
 *
 * - `refused`: the same answer, until the request or what it speaks of is changed.
 * - `may_help`: perhaps success; nothing came of this one.
 * - `look_first`: this one may have taken effect, so look before it is sent again.
 */
export type Repeat = 'refused' | 'may_help' | 'look_first';

export interface ProblemKind {
  readonly status: number;
  readonly repeat: Repeat;
  /** When it is answered, for people. */
  readonly when: string;
  /** What whoever reads it should do. */
  readonly todo: string;
  /** Whether what was sent or what was made is refused. Left out: neither, something is out of order. */
  readonly refused?: 'input' | 'output';
}

const sent = { repeat: 'refused', refused: 'input' } as const;
const state = { repeat: 'refused' } as const;
const missing = { status: 404, ...state } as const;
const down = { status: 503, repeat: 'may_help' } as const;
const file = { ...sent, todo: 'send another file' } as const;

/** Every `code` of a problem document. The table in docs/api.md is held to it by a test. */
export const problemKinds = {
  invalid_request: {
    ...sent,
    status: 400,
    when: 'wrong type or form, unknown field',
    todo: 'mend the fields in `errors`',
  },
  invalid_multipart: { ...sent, status: 400, when: 'the form cannot be read', todo: 'send one field `file`' },
  upload_aborted: { status: 400, repeat: 'may_help', when: 'the upload ended early', todo: 'send it again' },
  invalid_http: { ...sent, status: 400, when: 'the bytes are not HTTP', todo: 'use an HTTP client' },
  unauthenticated: { ...state, status: 401, when: 'no key, or not a valid one', todo: 'send a valid key' },
  signature_missing: {
    ...sent,
    status: 401,
    when: 'a call-back without a signature',
    todo: 'nothing: it is for Fal',
  },
  signature_stale: { ...sent, status: 401, when: 'signed over 5 min ago', todo: 'nothing: it is for Fal' },
  signature_invalid: { ...sent, status: 401, when: 'not signed by Fal', todo: 'nothing: it is for Fal' },
  daily_limit_exceeded: {
    ...state,
    status: 402,
    when: "the caller's day is used up",
    todo: 'wait, ask for less, or have the limit raised',
  },
  scope_missing: { ...state, status: 403, when: 'the key lacks a scope', todo: 'use a key that has `scope`' },
  caller_unusable: {
    ...state,
    status: 403,
    when: 'the token names no caller',
    todo: 'set `API_JWT_CALLER_CLAIM`',
  },
  link_invalid: { ...sent, status: 403, when: 'a signed link was changed', todo: 'ask for a new link' },
  link_expired: { ...sent, status: 403, when: 'a signed link is over', todo: 'ask for a new link' },
  not_found: { ...missing, when: 'no such route', todo: 'look at `/openapi.json`' },
  generation_not_found: {
    ...missing,
    when: 'no such generation',
    todo: 'look at the id, and whose key it is',
  },
  slot_not_found: { ...missing, when: 'the generation has no such slot', todo: 'count slots from 1' },
  character_not_found: { ...missing, when: 'no such character', todo: 'create it first' },
  lora_not_found: { ...missing, when: 'no such LoRA', todo: 'register it first' },
  asset_not_found: { ...missing, when: 'no such asset', todo: 'upload it first' },
  api_key_not_found: { ...missing, when: 'no such key, or revoked before', todo: 'list the keys' },
  job_not_found: { ...missing, when: 'a call-back for no job of ours', todo: 'nothing: it is for Fal' },
  method_not_allowed: { ...sent, status: 405, when: 'another method', todo: 'use one of `allow`' },
  request_timeout: {
    status: 408,
    repeat: 'may_help',
    when: 'it took longer than 5 min to arrive',
    todo: 'send it again',
  },
  idempotency_key_reused: {
    ...state,
    status: 409,
    when: 'the key of another request',
    todo: 'make a new key',
  },
  already_finished: { ...state, status: 409, when: 'the generation has ended', todo: 'read it' },
  not_started_yet: {
    status: 409,
    repeat: 'may_help',
    when: 'the generation is being started',
    todo: 'send it again',
  },
  not_running: {
    status: 409,
    repeat: 'may_help',
    when: 'it has just ended, or is being started',
    todo: 'read it, or send it again',
  },
  no_decision_needed: {
    ...state,
    status: 409,
    when: 'the slot waits for no decision',
    todo: 'read the generation',
  },
  nothing_waits: { ...state, status: 409, when: 'no slot waits', todo: 'nothing' },
  slot_unfinished: {
    ...state,
    status: 409,
    when: 'the slot may still give its picture',
    todo: 'wait, or cancel it',
  },
  asset_in_use: {
    ...state,
    status: 409,
    when: 'an unfinished generation uses it',
    todo: 'wait, or cancel that one',
  },
  signing_disabled: {
    ...state,
    status: 409,
    when: 'no links are signed here',
    todo: 'set `ASSET_URL_SECRET`',
  },
  request_lost: {
    ...state,
    status: 409,
    when: 'the earlier request is not on record',
    todo: 'start a new one',
  },
  already_received: {
    ...state,
    status: 409,
    when: 'a call-back that came before',
    todo: 'nothing: it is for Fal',
  },
  too_large: {
    ...sent,
    status: 413,
    when: 'JSON above 1 (starts: 8) MiB, file above 50 MB',
    todo: 'send less; upload pictures',
  },
  url_too_long: {
    ...sent,
    status: 414,
    when: 'a part of the path above 400 letters',
    todo: 'look at the path',
  },
  unsupported_media_type: {
    ...sent,
    status: 415,
    when: 'another media type',
    todo: 'send the one in `errors`',
  },
  not_media: { ...file, status: 415, when: 'the file is no picture and no clip' },
  wrong_kind: { ...file, status: 415, when: 'a clip for a picture, or the reverse' },
  range_not_satisfiable: {
    ...sent,
    status: 416,
    when: 'the file has no such bytes',
    todo: 'see `content-range`',
  },
  request_refused: {
    ...sent,
    status: 422,
    when: 'it cannot be done; see `errors`',
    todo: 'do what `errors` say',
  },
  empty: { ...file, status: 422, when: 'the file has no bytes' },
  truncated: { ...file, status: 422, when: 'the file is damaged or cut short' },
  blank: { ...file, status: 422, when: 'the file has one single colour' },
  wrong_size: { ...file, status: 422, when: 'the file has another size than it must' },
  unavailable: { ...file, status: 422, when: 'the file cannot be had' },
  rate_limited: {
    status: 429,
    repeat: 'may_help',
    when: 'too many requests a minute',
    todo: 'wait for `retry-after`',
  },
  headers_too_large: { ...sent, status: 431, when: "headers above Node's limit", todo: 'send fewer' },
  internal_error: { status: 500, repeat: 'look_first', when: 'a defect', todo: 'give us `requestId`' },
  temporal_unavailable: { ...down, when: 'Temporal is down', todo: 'send it again, with its key' },
  database_unavailable: { ...down, when: 'the database is down', todo: 'send it again, with its key' },
  assets_unavailable: { ...down, when: 'the asset store cannot be used', todo: 'send it again' },
  keys_unavailable: { ...down, when: 'the keys of signatures cannot be read', todo: 'send it again' },
  no_worker_answered: {
    status: 503,
    repeat: 'look_first',
    when: 'no worker within 3 s; it may still take effect',
    todo: 'read the generation first',
  },
  not_ready: { ...down, when: '`/readyz`: see `checks`', todo: 'wait' },
} as const satisfies Record<string, ProblemKind>;

/** Stable snake_case name of an answer that is no success. */
export type ProblemCode = keyof typeof problemKinds;

export function problemKind(code: ProblemCode): ProblemKind {
  return problemKinds[code];
}
