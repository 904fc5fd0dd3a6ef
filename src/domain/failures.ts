import type { DispatchCertainty, FailureClass } from './taxonomy';

/** Who spoke when a call failed. `proxy`: something between us and the provider. `us`: our worker, our gate, our deadline. */
export type AnsweredBy = 'provider' | 'proxy' | 'nobody' | 'us';

/**
 * What is out, as far as a failure shows.
 *
 * - `way`: the provider cannot be reached. Asking again is free the moment it can.
 * - `provider`: it was reached, and is not well.
 * - `endpoint`: one app or model of several.
 */
export type Outage = 'none' | 'way' | 'provider' | 'endpoint';

/**
 * Whether the same endpoint is asked again.
 *
 * - `at_once`: nothing speaks against it.
 * - `after_pause`: in the same round, with growing pauses.
 * - `next_round`: within this round the answer would be the same.
 * - `never`: another provider is better, or none can help.
 */
export type AskAgain = 'at_once' | 'after_pause' | 'next_round' | 'never';

/** One row of the table: what a failure means, whoever reports it. */
export interface Failure {
  readonly class: FailureClass;
  readonly answeredBy: AnsweredBy;
  readonly outage: Outage;
  readonly askAgain: AskAgain;
  /** A picture came whole and is of no use: another seed may give a better one. */
  readonly isPictureUnusable: boolean;
  /** What a refusal is about: what was sent, or what was made of it. Left out: it is no refusal. */
  readonly refuses?: 'input' | 'output';
}

const row = { answeredBy: 'provider', outage: 'none', askAgain: 'never', isPictureUnusable: false } as const;
const wrongSetup = { ...row, class: 'auth' } as const;
const keyRefused = { ...wrongSetup, outage: 'provider' } as const;
const wrongInput = { ...row, class: 'input', refuses: 'input' } as const;
const refusedContent = { ...row, class: 'policy', refuses: 'input' } as const;
const refusedPicture = { ...refusedContent, refuses: 'output' } as const;
const passing = { ...row, class: 'transient', askAgain: 'after_pause' } as const;
const full = { ...row, class: 'capacity', askAgain: 'after_pause' } as const;
const broken = { ...row, class: 'corrupt', askAgain: 'after_pause' } as const;
const badPicture = { ...broken, isPictureUnusable: true } as const;
const noWay = { ...row, class: 'outage', answeredBy: 'nobody', outage: 'way' } as const;
const gateway = { ...passing, answeredBy: 'proxy', outage: 'provider' } as const;
const stranger = { ...row, class: 'outage', answeredBy: 'proxy', outage: 'provider' } as const;
const notReady = { ...row, class: 'outage', outage: 'endpoint' } as const;
const closedGate = {
  ...row,
  class: 'outage',
  answeredBy: 'us',
  outage: 'provider',
  askAgain: 'next_round',
} as const;
const ours = { ...passing, answeredBy: 'us' } as const;

/**
 * Every way in which a call can fail. What follows from a failure is read off its row.
 */
export const failures = {
  // The provider cannot be reached.
  connect_timeout: noWay,
  connection_failed: noWay,
  connection_refused: noWay,
  host_not_found: noWay,
  tls_failed: noWay,
  connection_lost: { ...noWay, class: 'transient', askAgain: 'after_pause' },
  /** Whoever took the connection said nothing for as long as an answer may take. */
  no_answer: { ...noWay, class: 'transient', askAgain: 'after_pause' },
  pod_silent: noWay,
  pod_unavailable: { ...noWay, answeredBy: 'proxy' },

  // Nobody answered in time, or somebody else did.
  deadline_exceeded: { ...passing, answeredBy: 'nobody', outage: 'provider' },
  bad_gateway: gateway,
  gateway_timeout: gateway,
  request_timeout: gateway,
  unavailable: gateway,
  submit_unconfirmed: gateway,
  redirect_foreign: stranger,
  redirect_limit: stranger,
  redirect_unsupported: stranger,
  redirect_without_location: stranger,
  reply_foreign: stranger,
  url_foreign: stranger,
  upload_host_foreign: stranger,
  media_host_foreign: stranger,
  media_redirect: stranger,
  media_host_busy: { ...passing, answeredBy: 'proxy' },
  unexpected_answer: { ...broken, answeredBy: 'proxy' },

  // The provider is not well, or has no room.
  provider_unwell: { ...row, class: 'outage', outage: 'provider' },
  provider_silent: { ...notReady, answeredBy: 'nobody' },
  app_missing: { ...notReady, answeredBy: 'proxy' },
  nodes_not_loaded: notReady,
  models_missing: notReady,
  rate_limited: full,
  out_of_gpu_memory: full,
  out_of_memory: full,
  queue_timeout: { ...full, answeredBy: 'nobody', askAgain: 'never' },

  // Its word on one job.
  container_crashed: passing,
  downstream_service_error: passing,
  downstream_service_unavailable: passing,
  execution_failed: passing,
  file_download_error: passing,
  generation_failed: passing,
  generation_timeout: passing,
  internal_server_error: passing,
  interrupted: passing,
  job_cancelled: passing,
  job_voided: passing,
  list_too_long: passing,
  not_finished: passing,
  not_found_yet: passing,
  pod_error: passing,
  request_cancelled: passing,
  request_lost: passing,
  result_gone: passing,
  result_lost: passing,
  run_vanished: passing,
  runner_connection_refused: passing,
  runner_connection_timeout: passing,
  runner_disconnected: passing,
  runner_error: passing,
  runner_lost: passing,
  runner_scheduling_failure: passing,
  startup_timeout: passing,
  status_unknown: passing,
  unexpected_status: passing,
  upload_failed: passing,
  upload_lost: passing,
  media_unavailable: passing,
  never_accepted: { ...passing, askAgain: 'at_once' },
  job_unknown: { ...row, class: 'outage' },

  // The answer holds no picture, or a bad one.
  body_cut_off: { ...broken, answeredBy: 'nobody' },
  body_stalled: { ...broken, answeredBy: 'nobody' },
  media_empty: broken,
  media_not_media: broken,
  media_too_large: broken,
  media_wrong_kind: broken,
  no_media: broken,
  no_output: broken,
  reply_invalid: broken,
  result_mismatch: broken,
  media_blank: badPicture,
  media_truncated: badPicture,
  media_wrong_size: badPicture,

  // Our account, our deployment, our configuration.
  access_denied: keyRefused,
  forbidden: keyRefused,
  unauthorized: keyRefused,
  endpoint_missing: wrongSetup,
  graph_mismatch: wrongSetup,
  graph_missing: wrongSetup,
  job_name_taken: wrongSetup,
  model_missing: wrongSetup,
  named_jobs_missing: wrongSetup,
  node_missing: wrongSetup,
  route_invalid: wrongSetup,
  route_missing: wrongSetup,
  route_unsupported: wrongSetup,
  submit_not_understood: wrongSetup,
  unexpected_refusal: wrongSetup,
  wrong_route: wrongSetup,

  // The request itself.
  bad_request: wrongInput,
  graph_refused: wrongInput,
  input_asset_missing: wrongInput,
  input_rejected: wrongInput,
  input_too_large: wrongInput,
  no_face_detected: wrongInput,
  request_too_large: wrongInput,
  lora_missing: { ...row, class: 'lora' },
  content_policy_violation: refusedContent,
  media_censored: refusedPicture,
  nsfw_flagged: refusedPicture,
  safety_checker_off: refusedContent,

  // Our own gate: nothing was sent, and in this round nothing will be.
  deadline_passed: closedGate,
  job_elsewhere: { ...closedGate, class: 'auth' },
  no_worker: closedGate,
  provider_disabled: { ...closedGate, class: 'auth' },
  provider_down: closedGate,
  provider_busy: { ...full, answeredBy: 'us' },

  // Our own worker.
  activity_timed_out: { ...ours, askAgain: 'at_once' },
  intent_too_slow: ours,
  internal_error: ours,
  outcome_unknown: ours,
} as const satisfies Record<string, Failure>;

/** Stable snake_case name of a failure, as callers read it. */
export type FailureCode = keyof typeof failures;

export function failureOf(code: FailureCode): Failure {
  return failures[code];
}

/**
 * What a failed call says of its paid job, in one word.
 *
 * - `nothing_sent`: there is no job.
 * - `ended_free`: it is over, and costs nothing.
 * - `ended_billed`: it is over, and was billed or may have been.
 * - `useless`: it made something that is of no use, and is billed.
 * - `still_there`: it may still give its result. Also what is said where nobody recognised the answer.
 * - `unreachable`: the same, and the provider cannot be asked just now.
 * - `gone`: its result, if any, is out of reach for ever, although nobody said that it failed.
 * - `nobody_knows`: the submit left, and no answer came.
 */
export const jobOutcomes = [
  'nothing_sent',
  'ended_free',
  'ended_billed',
  'useless',
  'still_there',
  'unreachable',
  'gone',
  'nobody_knows',
] as const;
export type JobOutcome = (typeof jobOutcomes)[number];

const certainties: Readonly<Record<JobOutcome, DispatchCertainty>> = {
  nothing_sent: 'not_sent',
  ended_free: 'accepted',
  ended_billed: 'accepted',
  useless: 'accepted',
  still_there: 'accepted',
  unreachable: 'accepted',
  gone: 'accepted',
  nobody_knows: 'unknown',
};

/** How sure an outcome makes us that a paid job exists. */
export function certaintyAfter(outcome: JobOutcome): DispatchCertainty {
  return certainties[outcome];
}

/** What a failure says of its job that itself says nothing of it: no more than was known before. */
export function outcomeFrom(certainty: DispatchCertainty): JobOutcome {
  return ({ not_sent: 'nothing_sent', unknown: 'nobody_knows', accepted: 'still_there' } as const)[certainty];
}

/** Whether an accepted job is over: nobody need ask for it any more. */
export function isEnd(outcome: JobOutcome): boolean {
  return ['ended_free', 'ended_billed', 'useless', 'gone'].includes(outcome);
}
