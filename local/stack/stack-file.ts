import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const stackDescriptionSchema = z.object({
  /** Base URL of the HTTP API. */
  api: z.string(),
  /** `host:port` of the Temporal server. */
  temporal: z.string(),
  namespace: z.string(),
  /** Base URL of the Temporal UI; `null` when a configured server names none (`TEMPORAL_UI_URL`). */
  temporalUi: z.string().nullable(),
  /** Base URLs of the emulated providers; `null` with real ones. */
  emulator: z
    .object({ control: z.string(), modal: z.string(), fal: z.string(), comfyui: z.string() })
    .nullable(),
  /** `postgres`, `temporal` and `emulator` are there only while this stack runs them itself. */
  pids: z.record(z.string(), z.number()),
});

/** What runs where: the content of `data/stack.json`. */
export type StackDescription = z.infer<typeof stackDescriptionSchema>;

function fileIn(dataDirectory: string): string {
  return path.join(dataDirectory, 'stack.json');
}

/** Replaces `stack.json` at once: a reader sees the old one or the new one, never a part. */
export function writeStackFile(dataDirectory: string, description: StackDescription): void {
  const draft = `${fileIn(dataDirectory)}.new`;
  writeFileSync(draft, `${JSON.stringify(description, undefined, 2)}\n`);
  renameSync(draft, fileIn(dataDirectory));
}

/** The description a stack has left; `undefined` when there is none that can be read. */
export function readStackFile(dataDirectory: string): StackDescription | undefined {
  try {
    return stackDescriptionSchema.parse(JSON.parse(readFileSync(fileIn(dataDirectory), 'utf8')));
  } catch {
    return undefined;
  }
}

/** Does nothing when there is no file. */
export function removeStackFile(dataDirectory: string): void {
  rmSync(fileIn(dataDirectory), { force: true });
}
