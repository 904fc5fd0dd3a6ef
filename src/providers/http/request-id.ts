import { z } from 'zod';

/** A provider's own name for a job, as it may be stored and shown: letters, digits, `_` and `-`, at most 100. */
export const providerRequestIdSchema = z.string().regex(/^[\w-]{1,100}$/);
