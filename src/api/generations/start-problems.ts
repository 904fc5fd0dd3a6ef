import type { DailySpend } from '../../db';
import type { GenerationInput } from '../../domain/generation';
import { roundUsd } from '../../domain/round-usd';
import { HttpProblem } from '../http/http-problem';

/** 409 for a key that stands for another request of this caller. */
export function keyReused(): HttpProblem {
  const message =
    'another request has used this key: make a new key for every job, and repeat it only with the same body';
  return new HttpProblem(409, 'idempotency_key_reused', `Idempotency-Key: ${message}.`, {
    errors: [{ field: 'idempotency-key', code: 'idempotency_key_reused', message }],
  });
}

/** 402 with the figures; `Retry-After` only where waiting for the next day helps. */
export function dailyLimitExceeded(
  { usedUsd, resetsAt, resetsInSeconds }: DailySpend,
  { limitUsd, input }: { limitUsd: number; input: GenerationInput },
): HttpProblem {
  const neededUsd = input.reservedUsd;
  const figures =
    `the daily limit of caller ${input.caller} is ${String(limitUsd)} USD, of which ${String(roundUsd(usedUsd))} are ` +
    `used or set aside; this job needs up to ${String(neededUsd)}`;
  const fitsTomorrow = neededUsd <= limitUsd;
  const wayOut = fitsTomorrow ? `wait until ${resetsAt}, ask for less` : 'ask for less';
  const message = `${figures}: ${wayOut}, or have the limit raised`;
  return new HttpProblem(402, 'daily_limit_exceeded', `The job was not started: ${message}.`, {
    errors: [{ field: 'x-caller-id', code: 'daily_limit_exceeded', message }],
    extensions: { limitUsd, usedUsd: roundUsd(usedUsd), neededUsd, resetsAt },
    ...(fitsTomorrow && { retryAfterSeconds: resetsInSeconds }),
  });
}
