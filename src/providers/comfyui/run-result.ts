import type { FailureCode } from '../../domain/failures';
import { endedAs, ProviderError, type ProviderCharge } from '../errors';
import {
  executionErrorSchema,
  outputFileSchema,
  timestampSchema,
  type ExecutionError,
  type HistoryEntry,
  type OutputFile,
} from './wire';

/**
 * The files a finished run made at the graph's output node, previews left out.
 *
 * @throws ProviderError when the run failed, was interrupted or made nothing.
 */
export function readRunResult(
  entry: HistoryEntry,
  outputNode: string,
  promptId: string,
): [OutputFile, ...OutputFile[]] {
  const failure = runFailure(entry);
  if (failure !== undefined) throw toError(failure, promptId);
  const [first, ...others] = outputFiles(entry, outputNode);
  if (first !== undefined) return [first, ...others];
  const message = 'the run ended without an output picture';
  throw toError({ code: 'no_output', message }, promptId);
}

/** Seconds from start to end of a run, where the server noted both. */
export function executionSeconds(entry: HistoryEntry): number | undefined {
  const startedMs = timestampOf(entry, 'execution_start');
  const endedMs = timestampOf(entry, 'execution_success');
  if (startedMs === undefined || endedMs === undefined || endedMs < startedMs) return undefined;
  return (endedMs - startedMs) / 1000;
}

/**
 * `completed` is not looked at: it is false for a failed run too, and a client that reads it as "not yet" waits until
 * its own timeout.
 */
function hasFailed({ status }: HistoryEntry): boolean {
  return status?.status_str === 'error';
}

/** An interrupted run has the same status as a failed one; only this message tells. */
export function wasInterrupted(entry: HistoryEntry): boolean {
  return messageData(entry, 'execution_interrupted') !== undefined;
}

interface RunFailure {
  code: FailureCode;
  message: string;
  charge?: ProviderCharge | undefined;
}

function runFailure(entry: HistoryEntry): RunFailure | undefined {
  if (!hasFailed(entry)) return undefined;
  if (wasInterrupted(entry)) {
    return { code: 'interrupted', message: 'the run was interrupted on the pod' };
  }
  const error = executionErrorSchema.safeParse(messageData(entry, 'execution_error'));
  const text = error.success ? `${error.data.exception_type} ${error.data.exception_message}` : '';
  const missing = error.success ? missingFile(error.data) : undefined;
  if (missing !== undefined) return missing;
  if (/out ?of ?memory|allocation on device/i.test(text)) {
    return { code: 'out_of_memory', message: "the pod's GPU ran out of memory" };
  }
  if (/no face detected/i.test(text)) {
    return {
      code: 'no_face_detected',
      message: 'the reference picture shows no face',
    };
  }
  return { code: 'execution_failed', message: 'a node of the graph failed on the pod' };
}

/** Some loaders are only found to have nothing to load when they run: the submit was accepted. */
function missingFile({
  exception_type,
  exception_message,
  node_type,
}: ExecutionError): RunFailure | undefined {
  // The wording of the server's own look-up, behind every loader it comes with.
  const folder = /Model in folder '([^']*)'/.exec(exception_message)?.[1];
  const isMissing = exception_type === 'FileNotFoundError' && /loader/i.test(node_type);
  if (folder === undefined && !isMissing) return undefined;
  if (folder === 'loras') {
    return {
      code: 'lora_missing',
      message: 'the pod does not have this LoRA',
      charge: 'none',
    };
  }
  return {
    code: 'model_missing',
    message: 'the pod lacks a model the graph names',
    charge: 'none',
  };
}

function toError(failure: RunFailure, promptId: string): ProviderError {
  const { message, ...known } = failure;
  return new ProviderError(message, {
    ...known,
    provider: 'comfyui',
    outcome: endedAs(failure.charge),
    providerRequestId: promptId,
  });
}

/** Lists are named by their node's kind: `images`, `gifs` (also of MP4 files), `video`, `videos`. */
function outputFiles({ outputs }: HistoryEntry, outputNode: string): OutputFile[] {
  const entries = Object.values(outputs[outputNode] ?? {}).flatMap((list): unknown[] =>
    Array.isArray(list) ? list : [],
  );
  return entries.flatMap((entry) => {
    const file = outputFileSchema.safeParse(entry);
    return file.success && file.data.type !== 'temp' ? [file.data] : [];
  });
}

function messageData({ status }: HistoryEntry, event: string): unknown {
  const message = status?.messages.find(([name]) => name === event);
  return message === undefined ? undefined : (message[1] ?? {});
}

function timestampOf(entry: HistoryEntry, event: string): number | undefined {
  const parsed = timestampSchema.safeParse(messageData(entry, event));
  return parsed.success ? parsed.data.timestamp : undefined;
}
