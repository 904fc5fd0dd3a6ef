import type { SlotFailureCode } from '../../../src/domain/taxonomy';

/** A record, so that the compiler finds a code that is missing here. */
const typed: Record<SlotFailureCode, true> = {
  transient: true,
  capacity: true,
  outage: true,
  corrupt: true,
  auth: true,
  input: true,
  policy: true,
  lora: true,
  deadline_exceeded: true,
  paid_attempt_limit: true,
  budget_exceeded: true,
  outcome_unknown: true,
  duplicate: true,
  cancelled: true,
  no_route: true,
};

/** The reasons a slot may give for having no picture; any other one is a picture lost. */
export const slotFailureCodes: ReadonlySet<string> = new Set(Object.keys(typed));
