/** The three places a picture can be made. A provider's id is also its folder name and its metric label. */
export const providerNames = ['modal', 'fal', 'comfyui'] as const;
export type ProviderName = (typeof providerNames)[number];

/**
 * What kind of failure a provider call ended in. What follows is a matter of its row in `failures.ts` and of its job.
 *
 * - `transient`: try the same provider again.
 * - `capacity`: back off (honour Retry-After), then the next provider.
 * - `outage`: the next provider now.
 * - `corrupt`: the answer was no picture; one or two more tries, then the next provider.
 * - `auth`: our credential, route or deployment is wrong; the next provider, and someone must be told.
 * - `input`, `policy`, `lora`: no other provider can help; the slot fails.
 */
export const failureClasses = [
  'transient',
  'capacity',
  'outage',
  'corrupt',
  'auth',
  'input',
  'policy',
  'lora',
] as const;
export type FailureClass = (typeof failureClasses)[number];

/** Failures that neither a retry nor another provider can mend. */
export const finalFailureClasses: readonly FailureClass[] = ['input', 'policy', 'lora'];

/**
 * How sure we are that a paid job exists at the provider after a failed attempt.
 *
 * - `not_sent`: the provider cannot have started work.
 * - `accepted`: it did, or did and may have billed it.
 * - `unknown`: the submit left, no answer came back.
 */
export const dispatchCertainties = ['not_sent', 'accepted', 'unknown'] as const;
export type DispatchCertainty = (typeof dispatchCertainties)[number];

/**
 * What a job without a result was billed, where the provider or its rules tell: `none` nothing, `price` the price of a
 * result, `usd` the provider's own figure.
 */
export type ProviderCharge = 'price' | 'none' | { usd: number };

/** Why a slot ended without a picture: a provider's failure class, or one of our own limits. */
export type SlotFailureCode =
  | FailureClass
  | 'deadline_exceeded'
  | 'paid_attempt_limit'
  | 'budget_exceeded'
  | 'outcome_unknown'
  | 'duplicate'
  | 'cancelled'
  | 'no_route';

/** JSON that may cross a payload or a wire. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };
