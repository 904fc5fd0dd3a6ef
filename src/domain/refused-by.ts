import type { AttemptErrorCode } from './attempt-record';
import { failures, type Failure } from './failures';

const known: Readonly<Record<string, Failure>> = failures;

/** What a failed attempt says was refused. `undefined`: nothing was. */
export function refusedBy(code: AttemptErrorCode): Failure['refuses'] {
  return known[code]?.refuses;
}
