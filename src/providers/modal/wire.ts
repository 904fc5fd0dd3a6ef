import { z } from 'zod';

/**
 * Modal's JSON, read tolerantly: only what a decision needs. Results are raw bytes and have no schema; request bodies
 * come complete from the registry.
 */

/** A FastAPI error has `detail`; the handlers' catch-all has `error` and `type`, beside a traceback we never read. */
export const modalErrorSchema = z.object({
  detail: z.string().optional().catch(undefined),
  error: z.string().optional().catch(undefined),
  type: z.string().optional().catch(undefined),
});
export type ModalErrorBody = z.infer<typeof modalErrorSchema>;

/** Answer of older Modal versions to a POST: where the result will be, from the first second. */
export const modalAcceptedSchema = z.object({ result_url: z.string() });

export const modalHealthSchema = z.object({ status: z.string() });

/** What the dispatch log keeps of a running call. */
export const modalHandleSchema = z.object({
  resultUrl: z.string(),
  /** How often the result came broken; left out for never. */
  brokenReads: z.int().min(1).optional(),
});

/** Query parameter of a result URL; its value names the call. */
export const callIdParameter = '__modal_function_call_id';
