import { z } from 'zod';
import type { ProviderId } from '../provider-id';

/** Moments at which a fault can strike. */
export const faultStages = {
  // `run` is the route at work for a named job; the rest are the requests for it.
  modal: ['call', 'poll', 'put', 'run', 'state', 'result', 'delete', 'void'],
  fal: ['submit', 'status', 'result', 'media', 'upload', 'cancel', 'list', 'prices', 'listing', 'webhook'],
  comfyui: ['submit', 'history', 'queue', 'view', 'upload', 'interrupt', 'websocket'],
} as const satisfies Record<ProviderId, readonly string[]>;
export type FaultStage = (typeof faultStages)[ProviderId][number];

/** Every parameter any fault takes; which fault takes which stands in the catalogue. */
export const faultParametersSchema = z.strictObject({
  /** The moment, where a fault can strike at several. */
  on: z.string().optional(),
  /** `Retry-After` as sent; `null` sends none. */
  retryAfter: z.union([z.string(), z.number()]).nullable().optional(),
  /** Redirects before the answer. */
  hops: z.int().min(1).max(1000).optional(),
  /** Provider seconds (scaled). */
  seconds: z.number().min(0).optional(),
  /** Connections that are reset. */
  resets: z.int().min(1).optional(),
  /** Where a foreign URL points, such as `http://127.0.0.1:1`. */
  origin: z.url().optional(),
  status: z.int().min(200).max(599).optional(),
  /** Exception class or error code. */
  type: z.string().min(1).optional(),
  message: z.string().optional(),
  field: z.string().min(1).optional(),
  /** Header or file name value. */
  value: z.string().optional(),
  /** Real milliseconds between two bytes. */
  intervalMs: z.int().min(1).optional(),
  /** A 504 is marked as caused by the caller's own limit. */
  userTimeout: z.boolean().optional(),
});
export type FaultParameters = z.infer<typeof faultParametersSchema>;

interface FaultKind {
  summary: string;
  /** Default moment at each provider it exists for. */
  stages: { modal?: ModalStage; fal?: FalStage; comfyui?: PodStage };
  /**
   * The moment of a named job that stands for the one of a plain call; `null`: a named job has none. Left out: `run`
   * for what strikes a plain call.
   */
  named?: ModalStage | null;
  parameters?: readonly (keyof FaultParameters)[];
  /** The only endpoints whose handlers answer so; it strikes no others. Left out: all. */
  endpoints?: readonly string[];
  /** What its `status` may be. Left out: 400-599. */
  statuses?: readonly number[];
}
type ModalStage = (typeof faultStages)['modal'][number];
type FalStage = (typeof faultStages)['fal'][number];
type PodStage = (typeof faultStages)['comfyui'][number];

const everySubmit = { modal: 'call', fal: 'submit', comfyui: 'submit' } as const;
const everyDownload = { modal: 'call', fal: 'media', comfyui: 'view' } as const;

/** Every fault: what is served, where, and which parameters it takes. */
export const faultCatalogue = {
  rate_limited: {
    summary: '429; `retryAfter` default 2',
    stages: everySubmit,
    named: 'put',
    parameters: ['on', 'retryAfter'],
  },
  auth_401: {
    summary: '401 in the words of the provider',
    stages: { modal: 'call', fal: 'submit' },
    named: 'put',
    parameters: ['on'],
  },
  billing_403: {
    summary: '403: balance exhausted',
    stages: { modal: 'call', fal: 'submit' },
    named: 'put',
    parameters: ['on'],
  },
  plain_500: {
    summary: '500 as plain text; on Modal the paid job crashed',
    stages: everySubmit,
    parameters: ['on'],
  },
  html_502: { summary: '502 with a proxy page', stages: everySubmit, named: 'put', parameters: ['on'] },
  http_503: { summary: '503 as plain text', stages: everySubmit, named: 'put', parameters: ['on'] },
  http_408: { summary: '408 as plain text', stages: everySubmit, named: 'put', parameters: ['on'] },
  http_504: { summary: '504 as plain text', stages: everySubmit, named: 'put', parameters: ['on'] },
  reset_before_headers: {
    summary: 'connection reset before the request had any effect',
    stages: everySubmit,
    named: 'put',
    parameters: ['on'],
  },
  submit_lost: {
    summary: 'the job is accepted (and charged), then the connection is reset',
    stages: everySubmit,
    named: 'put',
  },
  accepted_504: {
    summary: 'the job is accepted (and charged), then a gateway gives up with a 504',
    stages: everySubmit,
    named: 'put',
  },
  accepted_502: {
    summary: 'the job is accepted (and charged), then a gateway answers 502 for it',
    stages: everySubmit,
    named: 'put',
  },
  wrong_size: { summary: '200 with a picture of half the asked sides', stages: everySubmit },
  same_picture: { summary: '200 with one and the same picture whatever was asked', stages: everySubmit },
  reset_mid_body: {
    summary: 'reset after half of the body',
    stages: everyDownload,
    named: 'result',
    parameters: ['on'],
  },
  truncated: {
    summary: 'a clean 200 with half the bytes and no length',
    stages: everyDownload,
    named: 'result',
    parameters: ['on'],
  },
  empty_200: { summary: '200 with zero bytes', stages: everyDownload, parameters: ['on'] },
  html_200: { summary: '200 with a login page', stages: everyDownload, parameters: ['on'] },
  json_200: { summary: '200 with a JSON error', stages: everyDownload, parameters: ['on'] },
  slow_drip: {
    summary: 'one byte per `intervalMs` (default 1000)',
    stages: everyDownload,
    named: 'result',
    parameters: ['on', 'intervalMs'],
  },
  oversize: { summary: 'a body that never ends', stages: everyDownload, named: 'result', parameters: ['on'] },

  cold_start: {
    summary: 'the call takes `seconds` (default 200) longer',
    stages: { modal: 'call' },
    parameters: ['seconds'],
  },
  redirect_chain: {
    summary: '`hops` (default 3) redirects before the answer',
    stages: { modal: 'call' },
    named: null,
    parameters: ['hops'],
  },
  redirect_foreign: {
    summary: 'Location on another host (`origin`)',
    stages: { modal: 'call' },
    named: null,
    parameters: ['origin'],
  },
  redirect_no_location: { summary: '303 without Location', stages: { modal: 'call' }, named: null },
  redirect_lost_poll: {
    summary: '303 at once, then the first `resets` (default 1) follow-ups are reset',
    stages: { modal: 'call' },
    named: null,
    parameters: ['resets'],
  },
  accepted_202: {
    summary: '202 {result_url}, as older servers answer',
    stages: { modal: 'call' },
    named: null,
  },
  lora_missing: { summary: '404 LoRA not found', stages: { modal: 'call' } },
  route_missing: { summary: '404 Not Found', stages: { modal: 'call' } },
  app_stopped: {
    summary: '404 plain text: app stopped',
    stages: { modal: 'call' },
    named: 'put',
    parameters: ['on'],
  },
  input_as_500: {
    summary: '500 KeyError for `field` (default prompt)',
    stages: { modal: 'call' },
    parameters: ['field'],
  },
  crash_500: {
    summary: 'the paid job ends in 500 with `type` and `message`',
    stages: { modal: 'call' },
    parameters: ['type', 'message'],
  },
  nodes_503: {
    summary: '503: nodes not loaded',
    stages: { modal: 'call' },
    endpoints: ['/sdxl-instantid', '/flux-ipadapter-faceid'],
  },
  model_files_missing: {
    summary: '404 in the shape of a crash: the model files are not on the volume',
    stages: { modal: 'call' },
    endpoints: ['/seedvr2'],
  },
  faceswap_502: { summary: '502: face-swap service failed', stages: { modal: 'call' } },
  wrong_content_type: {
    summary: 'PNG bytes under `value` (default image/jpeg)',
    stages: { modal: 'call' },
    parameters: ['value'],
  },
  no_cost_headers: { summary: 'no cost headers even where they are normal', stages: { modal: 'call' } },
  bad_cost_headers: {
    summary: 'X-Cost-USD is `value` (default NaN)',
    stages: { modal: 'call' },
    parameters: ['value'],
  },
  same_seed: { summary: 'the seed is ignored: 42 is used whatever was sent', stages: { modal: 'call' } },
  black_image: { summary: '200 with an all-black picture', stages: { modal: 'call', comfyui: 'submit' } },

  put_lost_before_claim: {
    summary: 'the PUT is lost before it had any effect: connection reset',
    stages: { modal: 'put' },
  },
  put_lost_after_claim: {
    summary: 'the job is accepted and runs, its answer is lost: connection reset',
    stages: { modal: 'put' },
  },
  gateway_dies_before_spawn: {
    summary: 'the key is claimed and nothing is started; the next PUT or GET of the key starts it, once',
    stages: { modal: 'put' },
  },
  late_put: {
    summary: 'the connection is reset at once, the PUT takes effect `seconds` (default 5) later',
    stages: { modal: 'put' },
    parameters: ['seconds'],
  },
  result_gone: { summary: '410: the result is not kept any more', stages: { modal: 'result' } },
  state_stuck: {
    summary:
      '`running` although the job has ended: for `seconds` after its end, else as long as the fault strikes',
    stages: { modal: 'state' },
    parameters: ['seconds'],
  },
  runner_killed: {
    summary: 'killed in the middle and run again: `runs` is 2, the seconds of both are billed',
    stages: { modal: 'run' },
  },
  runner_lost: {
    summary: 'killed in the middle and not run again: failed, billed up to there',
    stages: { modal: 'run' },
  },
  poll_status: {
    summary: 'a poll of an accepted job answers `status`: 302 (default), 307, 204, 400 or 422',
    stages: { modal: 'poll', fal: 'status', comfyui: 'history' },
    named: 'state',
    parameters: ['on', 'status'],
    statuses: [302, 307, 204, 400, 422],
  },

  nsfw_black: { summary: '200, black picture, flagged', stages: { fal: 'submit' } },
  nsfw_black_unflagged: { summary: '200, black picture, no flag', stages: { fal: 'submit' } },
  nsfw_partial: { summary: 'two pictures, flags [false, true]', stages: { fal: 'submit' } },
  no_images: { summary: '200 without pictures', stages: { fal: 'submit' } },
  policy_422: { summary: '422 content_policy_violation', stages: { fal: 'submit' } },
  validation_422: {
    summary: '422 with a detail array (`field`, `type`)',
    stages: { fal: 'submit' },
    parameters: ['field', 'type'],
  },
  string_422: { summary: '422 with a detail string', stages: { fal: 'submit' } },
  completed_then_error: {
    summary: 'COMPLETED, then the result is `status` (default 500) with error_type `type`',
    stages: { fal: 'submit' },
    parameters: ['status', 'type', 'message', 'userTimeout'],
  },
  queue_stuck: { summary: 'never leaves the queue', stages: { fal: 'submit', comfyui: 'submit' } },
  status_flaky: { summary: '2 of 5 status polls answer 500 and 502', stages: { fal: 'submit' } },
  wrong_poll_path: {
    summary: 'the returned URLs hold the full endpoint id and so answer 405',
    stages: { fal: 'submit' },
  },
  foreign_urls: {
    summary: 'the returned URLs are on another host (`origin`)',
    stages: { fal: 'submit' },
    parameters: ['origin'],
  },
  foreign_media: {
    summary: 'the picture URL is on another host (`origin`)',
    stages: { fal: 'submit' },
    parameters: ['origin'],
  },
  listing_delayed: {
    summary: 'a request that ended is listed `seconds` (default 60) later than others',
    stages: { fal: 'listing' },
    parameters: ['seconds'],
  },
  webhook_lost: { summary: 'no call-back comes', stages: { fal: 'webhook' } },
  webhook_late: {
    summary: 'the call-back comes `seconds` (default 60) late',
    stages: { fal: 'webhook' },
    parameters: ['seconds'],
  },
  webhook_twice: {
    summary: 'the call-back that was taken comes once more, byte for byte',
    stages: { fal: 'webhook' },
  },
  webhook_bad_signature: {
    summary: 'the call-back is signed with a key that is not published',
    stages: { fal: 'webhook' },
  },
  media_404: { summary: 'the picture URL answers 404', stages: { fal: 'media' } },
  media_expired: { summary: 'the picture URL answers 403: expired', stages: { fal: 'media' } },

  pod_400_lora: { summary: '400 value_not_in_list for lora_name', stages: { comfyui: 'submit' } },
  pod_400_model: { summary: '400 value_not_in_list for ckpt_name', stages: { comfyui: 'submit' } },
  pod_node_errors: {
    summary: '200 with node_errors: queued, but not all of it valid',
    stages: { comfyui: 'submit' },
  },
  pod_error_incomplete: {
    summary: 'history error with completed false (`type`, `message`)',
    stages: { comfyui: 'submit' },
    parameters: ['type', 'message'],
  },
  pod_interrupted: { summary: 'someone interrupts the job', stages: { comfyui: 'submit' } },
  pod_no_images: { summary: 'success without output', stages: { comfyui: 'submit' } },
  pod_temp_only: { summary: 'success with temp pictures only', stages: { comfyui: 'submit' } },
  pod_restart: { summary: 'queue and history vanish mid-job', stages: { comfyui: 'submit' } },
  pod_dies_saving: {
    summary: 'half a picture stands under its final name, then as `pod_restart`',
    stages: { comfyui: 'submit' },
  },
  upload_renamed: {
    summary: 'an upload is stored under another name (`value`)',
    stages: { comfyui: 'upload' },
    parameters: ['value'],
  },
  websocket_refused: { summary: 'the websocket handshake answers 502', stages: { comfyui: 'websocket' } },
  websocket_dropped: { summary: 'the websocket is cut when the job starts', stages: { comfyui: 'submit' } },
} as const satisfies Record<string, FaultKind>;

export type FaultName = keyof typeof faultCatalogue;

/** The catalogue entry with its optional parts visible to the compiler. */
export function faultKind(name: FaultName): FaultKind {
  return faultCatalogue[name];
}

/** The moment of a named job at which a fault of Modal strikes beside its own; `null`: none. */
export function namedStageOf(name: FaultName): ModalStage | null {
  const { stages, named } = faultKind(name);
  return named === undefined && stages.modal === 'call' ? 'run' : (named ?? null);
}

/** Names of the faults a provider has. */
export function faultsOf(provider: ProviderId): FaultName[] {
  return faultNames.filter((name) => faultKind(name).stages[provider] !== undefined);
}

export const faultNames = Object.keys(faultCatalogue) as FaultName[];
