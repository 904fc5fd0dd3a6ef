import type { CallState } from '../call-failure';
import { DeadlineExceeded } from '../http/deadlines';
import { MediaError } from '../../domain/media';
import { ProviderError } from '../errors';
import type { HttpClient } from '../http/http';
import { readResult } from '../read-result';
import type { CollectContext, ProviderJob, ProviderResult } from '../types';
import { awaitRun, type FinishedRun } from './await-run';
import { collectPictures } from './collect-pictures';
import { toComfyUiError } from './errors';
import { runVanished } from './find-run';
import type { GraphFile } from './graph-file';
import { createPod, limitsOf, type Pod, type PodLimits } from './pod';
import { openRunEvents } from './run-events';
import { noteOf, type RunHandle } from './run-handle';

export interface CollectRunOptions {
  job: ProviderJob;
  graph: GraphFile;
  http: HttpClient;
  baseUrl: string;
  handle: RunHandle;
  context: CollectContext;
}

/** Waits for a run the pod took, and stores what it made. @throws ProviderError */
export async function collectRun(options: CollectRunOptions): Promise<ProviderResult> {
  const state: CallState = {
    provider: 'comfyui',
    stage: 'accepted',
    providerRequestId: options.handle.promptId,
    blankIs: 'corrupt',
  };
  try {
    return await new RunCollection(options, state).collect();
  } catch (error) {
    options.context.signal.throwIfAborted();
    throw toComfyUiError(error, state);
  }
}

class RunCollection {
  private readonly pod: Pod;
  private readonly limits: PodLimits;
  private handle: RunHandle;
  /** The pod restarted, and the file it was read from is all there is of the run. */
  private isForgotten = false;

  constructor(
    private readonly options: CollectRunOptions,
    private readonly state: CallState,
  ) {
    const { http, baseUrl, job, context } = options;
    this.handle = options.handle;
    this.limits = limitsOf(job.deadlines);
    this.pod = createPod({ http, baseUrl, limits: this.limits, signal: context.signal });
  }

  async collect(): Promise<ProviderResult> {
    const { context } = this.options;
    const run = await this.follow();
    const { handle } = this;
    context.onProgress({ phase: 'downloading' });
    try {
      return await readResult(() => this.read(run), {
        brokenReads: handle.brokenReads ?? 0,
        remember: (brokenReads) => this.remember({ brokenReads }),
        explain: (error) => toComfyUiError(error, this.state),
      });
    } catch (error) {
      const isOver = error instanceof ProviderError && error.endsJob;
      // The pod died while it saved the picture: an outage, and no word about what the model makes.
      throw isOver && this.isForgotten && isBroken(error) ? runVanished(handle.promptId) : error;
    }
  }

  private async follow(): Promise<FinishedRun> {
    const { pod, limits, options } = this;
    const { job, graph, baseUrl, context } = options;
    const { promptId, queuedSince } = this.handle;
    return await awaitRun({
      ...{ pod, promptId, graph, queuedSince },
      ...{ queueSeconds: job.deadlines.queueSeconds, answerSeconds: limits.answerSeconds },
      ...{ signal: context.signal, onProgress: (progress) => context.onProgress(progress) },
      beginToWait: async (onRunning) => {
        // Its time in the queue counts from now on, and not from the next call.
        if (queuedSince === undefined) await this.remember({ queuedSince: new Date().toISOString() });
        return openRunEvents({ baseUrl, promptId, connectSeconds: limits.connectSeconds, onRunning });
      },
    });
  }

  private async remember(known: Partial<RunHandle>): Promise<void> {
    this.handle = { ...this.handle, ...known };
    await this.options.context.remember(noteOf(this.handle));
  }

  private async read({ entry }: FinishedRun): Promise<ProviderResult> {
    const { job, graph, context } = this.options;
    const save = { signal: context.signal, expects: job.mediaKind, expectedSize: job.expectedSize };
    const { outputNode } = graph;
    const { promptId } = this.handle;
    try {
      return await collectPictures(entry, {
        pod: this.pod,
        media: context.media,
        save,
        outputNode,
        promptId,
      });
    } catch (error) {
      throw await this.explainBrokenFile(error);
    }
  }

  /**
   * A pod that freezes or dies spoils a download as well: only one that answers can be said to have a bad file.
   *
   * @throws what the look for the run throws
   */
  private async explainBrokenFile(error: unknown): Promise<unknown> {
    if (!(error instanceof DeadlineExceeded) && !(error instanceof MediaError && mayBeHalf(error)))
      return error;
    const { state } = await this.pod.find(this.handle.promptId);
    this.isForgotten = state === 'absent';
    const isHalf = this.isForgotten && error instanceof MediaError && error.problem !== 'unavailable';
    return isHalf ? new MediaError('truncated', 'a pod that died left half a file', { cause: error }) : error;
  }
}

/** What may be read of a file that was not written to its end. */
function mayBeHalf({ problem }: MediaError): boolean {
  return ['truncated', 'empty', 'not_media', 'unavailable'].includes(problem);
}

function isBroken({ code }: ProviderError): boolean {
  return code === 'media_truncated' || code === 'media_unavailable';
}
