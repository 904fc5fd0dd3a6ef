import { EventEmitter, once } from 'node:events';
import type { CallProgress } from '../../../src/domain/dispatch';
import type { HttpDeadlines } from '../../../src/domain/plan';
import { runJob } from '../../../src/providers/run-job';
import type { ProviderClient, ProviderJob, ProviderResult, Stopped } from '../../../src/providers/types';
import { MemoryMediaStore } from '../support/memory-media-store';
import { RecordingDispatch } from '../support/recording-dispatch';

const deadlines: HttpDeadlines = {
  connectSeconds: 2,
  firstByteSeconds: 5,
  idleSeconds: 5,
  queueSeconds: 20,
  totalSeconds: 25,
};

/** A text-to-picture job, with anything about it changed. */
export function textJob(
  changes: Partial<Omit<ProviderJob, 'deadlines'>> & { deadlines?: Partial<HttpDeadlines> } = {},
): ProviderJob {
  return {
    jobKey: 'generation-1/slot-1/1',
    endpoint: 'sdxl-text-to-image',
    parameters: {
      prompt: 'a red door',
      negative_prompt: 'blurry',
      width: 512,
      height: 768,
      seed: 7,
      steps: 20,
      cfg: 7,
      checkpoint: 'sd_xl_base_1.0.safetensors',
    },
    inputs: [],
    mediaKind: 'image',
    ...changes,
    deadlines: { ...deadlines, ...changes.deadlines },
  };
}

export interface StartedJob {
  result: Promise<ProviderResult>;
  media: MemoryMediaStore;
  dispatch: RecordingDispatch;
  progress: CallProgress[];
  /** What became of the job after an abort. */
  stopped: Stopped[];
  /** Resolves as soon as the job has reported such a progress. */
  progressed(isIt: (step: CallProgress) => boolean): Promise<void>;
  controller: AbortController;
}

/** Starts a job; its failure is not unhandled before the test looks at it. */
export function startJob(
  client: ProviderClient,
  job: ProviderJob,
  { media = new MemoryMediaStore(), dispatch = new RecordingDispatch() } = {},
): StartedJob {
  const controller = new AbortController();
  const progress: CallProgress[] = [];
  const reports = new EventEmitter();
  const stopped: Stopped[] = [];
  const onStopped = (word: Stopped): void => void stopped.push(word);
  const { signal } = controller;
  const onProgress = (step: CallProgress): void => {
    progress.push(step);
    reports.emit('step');
  };
  const result = runJob(client, job, { signal, media, dispatch, onProgress, onStopped });
  result.catch(() => undefined);
  return {
    ...{ result, media, dispatch, progress, stopped, controller },
    async progressed(isIt) {
      while (!progress.some(isIt)) await once(reports, 'step');
    },
  };
}
