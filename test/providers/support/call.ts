import type { HttpDeadlines } from '../../../src/domain/plan';
import { ProviderError } from '../../../src/providers/errors';
import type {
  CallContext,
  CallProgress,
  DispatchState,
  ProviderJob,
  ProviderResult,
  Stopped,
} from '../../../src/providers/types';
import { MemoryMediaStore } from './memory-media-store';
import { RecordingDispatch } from './recording-dispatch';

/** Generous enough for a busy machine; tests of a deadline set their own. */
export const testDeadlines: HttpDeadlines = {
  connectSeconds: 5,
  firstByteSeconds: 15,
  idleSeconds: 10,
  queueSeconds: 15,
  totalSeconds: 25,
};

/** A job with the deadlines of these tests. */
export function testJob(job: Pick<ProviderJob, 'endpoint'> & Partial<ProviderJob>): ProviderJob {
  return {
    jobKey: 'test/1',
    parameters: { prompt: 'a red door' },
    inputs: [],
    mediaKind: 'image',
    deadlines: testDeadlines,
    ...job,
  };
}

export interface TestCall {
  context: CallContext;
  dispatch: RecordingDispatch;
  media: MemoryMediaStore;
  progress: CallProgress[];
  /** What became of the job after an abort. */
  stopped: Stopped[];
  abort(reason: unknown): void;
}

/** Everything a client is handed for one call, recorded. */
export function testCall(options: { previous?: DispatchState; media?: MemoryMediaStore } = {}): TestCall {
  const controller = new AbortController();
  const dispatch = new RecordingDispatch(options.previous);
  const media = options.media ?? new MemoryMediaStore();
  const progress: CallProgress[] = [];
  const stopped: Stopped[] = [];
  return {
    dispatch,
    media,
    progress,
    stopped,
    context: {
      signal: controller.signal,
      dispatch,
      media,
      onProgress: (step) => void progress.push(step),
      onStopped: (word) => void stopped.push(word),
    },
    abort: (reason) => {
      controller.abort(reason);
    },
  };
}

/** The ProviderError a call ends in; fails the test when it ends otherwise. */
export async function providerErrorOf(call: Promise<ProviderResult>): Promise<ProviderError> {
  const outcome = await call.catch((error: unknown) => error);
  if (outcome instanceof ProviderError) return outcome;
  throw new Error(`expected a ProviderError, got ${String(outcome)}`, { cause: outcome });
}
