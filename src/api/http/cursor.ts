import { z } from 'zod';

/** Where a page ended, as one opaque word. */
export function encodeCursor(position: readonly string[]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** Reads what `encodeCursor` wrote for a position of that form; anything else is a mistake of the caller's. */
export function cursorOf<Position extends string[]>(position: z.ZodType<Position>) {
  return z
    .string()
    .max(500)
    .transform((text, context): Position => {
      const parsed = position.safeParse(decode(text));
      if (parsed.success) return parsed.data;
      context.addIssue({
        code: 'custom',
        message: 'is no cursor of this list: send `nextCursor` back as it was',
      });
      return z.NEVER;
    });
}

function decode(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

/** For lists and figures that can be asked for in one way only. */
export const noQuery = z.strictObject({});

/** Lines of one page. */
export const pageLimit = z.coerce.number().int().min(1).max(200).default(50);
