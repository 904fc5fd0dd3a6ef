import type { DemoSlot } from './demo-client';

/** One slot as the live view and the summary show it. */
export interface SlotRow {
  slot: string;
  status: string;
  provider: string;
  endpoint: string;
  attempt: string;
  seconds: string;
  cost: string;
  identity: string;
}

/** `name` tells slots of different generations apart. `now` is in milliseconds since the epoch. */
export function slotRow(name: string, slot: DemoSlot, now: number): SlotRow {
  return {
    slot: name,
    status: slot.status,
    provider: slot.provider ?? '-',
    endpoint: slot.endpoint ?? '-',
    attempt: String(attemptNumber(slot)),
    seconds: secondsOf(slot, now).toFixed(1),
    cost: `$${slot.costUsd.toFixed(4)}`,
    identity: slot.identity,
  };
}

/** The try that is going on, or the number of tries made. */
function attemptNumber({ attempts, status }: DemoSlot): number {
  return status === 'running' ? attempts.length + 1 : attempts.length;
}

/** Seconds since the slot started, until it ended. */
export function secondsOf({ startedAt, finishedAt }: DemoSlot, now: number): number {
  if (startedAt === null) return 0;
  const end = finishedAt === null ? now : Date.parse(finishedAt);
  return Math.max(0, (end - Date.parse(startedAt)) / 1000);
}
