import type { FastifyRequest } from 'fastify';
import { callerSchema, defaultCaller } from '../../domain/requests';
import { invalid } from './to-problem';

const header = 'x-caller-id';

/** Who asks, by the header `x-caller-id`; `default` when it is left out. @throws HttpProblem 400 */
export function callerOf({ headers }: FastifyRequest): string {
  const given = headers[header];
  if (given === undefined) return defaultCaller;
  const parsed = callerSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const message = parsed.error.issues[0]?.message ?? 'is not valid';
  throw invalid([{ field: header, code: 'invalid_format', message }]);
}
