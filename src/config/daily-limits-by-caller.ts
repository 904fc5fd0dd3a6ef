import { z } from 'zod';
import { callerSchema } from '../domain/requests';

const limits = z.record(callerSchema, z.number().min(0));

/** JSON such as `{"mobile-app": 25}` as a map; empty when left out. */
export const dailyLimitsByCaller = z
  .string()
  .default('{}')
  .transform((text, context): ReadonlyMap<string, number> => {
    const parsed = limits.safeParse(parse(text));
    if (parsed.success) return new Map(Object.entries(parsed.data));
    const message = 'must be JSON that gives each caller its USD a day, such as {"mobile-app": 25}';
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
