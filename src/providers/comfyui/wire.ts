import { z } from 'zod';

/** Answers of a ComfyUI server (checked on 0.3.64), read tolerantly: unknown fields are ignored. */

const nodeErrorSchema = z.object({
  class_type: z.string().optional(),
  errors: z
    .array(
      z.object({
        type: z.string(),
        extra_info: z.object({ input_name: z.string().optional() }).nullish(),
      }),
    )
    .default([]),
});
/** Problems by node id. Some refusals send an empty list instead of an empty object. */
const nodeErrorsSchema = z.preprocess(
  (value) => (Array.isArray(value) ? {} : (value ?? {})),
  z.record(z.string(), nodeErrorSchema),
);
export type NodeErrors = z.infer<typeof nodeErrorsSchema>;

/** 200 of `POST /prompt`. With entries in `node_errors` a part of the graph was refused and the rest is queued. */
export const submitReplySchema = z.object({ prompt_id: z.string().min(1), node_errors: nodeErrorsSchema });

/** 400 of `POST /prompt`. */
export const submitRefusalSchema = z.object({
  error: z.object({ type: z.string() }),
  node_errors: nodeErrorsSchema,
});
export type SubmitRefusal = z.infer<typeof submitRefusalSchema>;

/** `[number, prompt id, graph, extra data, outputs]`: the smallest number runs first. */
const queueItemSchema = z.tuple([z.number(), z.string()]).rest(z.unknown());
export const queueSchema = z.object({
  queue_running: z.array(queueItemSchema),
  queue_pending: z.array(queueItemSchema),
});

/** An entry of a node's output list; previews and unsaved files have no usable name. */
export const outputFileSchema = z.object({
  filename: z.string().min(1),
  subfolder: z.string().default(''),
  type: z.string().default('output'),
});
export type OutputFile = z.infer<typeof outputFileSchema>;

const historyEntrySchema = z.object({
  /** By node id, then by kind: `images`, `gifs`, `video` … */
  outputs: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  status: z
    .object({
      status_str: z.string().optional(),
      messages: z.array(z.tuple([z.string()]).rest(z.unknown())).default([]),
    })
    .nullish(),
});
export type HistoryEntry = z.infer<typeof historyEntrySchema>;
/** `{}` for an id that is unknown, deleted or still queued. */
export const historySchema = z.record(z.string(), historyEntrySchema);

/** Data of the history message `execution_error`. */
export const executionErrorSchema = z.object({
  exception_type: z.string().default(''),
  exception_message: z.string().default(''),
  /** Class of the node that failed. */
  node_type: z.string().default(''),
});
export type ExecutionError = z.infer<typeof executionErrorSchema>;
export const timestampSchema = z.object({ timestamp: z.number() });

export const uploadReplySchema = z.object({ name: z.string().min(1), subfolder: z.string().default('') });

export const systemStatsSchema = z.object({
  system: z.object({ comfyui_version: z.string().optional() }),
  devices: z.array(z.object({ name: z.string() })).default([]),
});

/** A text frame of the websocket. */
export const eventSchema = z.object({
  type: z.string(),
  data: z.object({
    prompt_id: z.string().optional(),
    node: z.string().nullish(),
    value: z.number().optional(),
    max: z.number().optional(),
  }),
});
