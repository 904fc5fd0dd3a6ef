import type { CallState } from '../call-failure';
import type { HttpClient, RequestDeadlines } from '../http';
import type { CallContext, ProviderJob, ProviderResult } from '../types';
import { awaitRun } from './await-run';
import { collectPictures } from './collect-pictures';
import { fillGraph } from './fill-graph';
import { findRun, type FoundRun, type RunHandle } from './find-run';
import type { GraphFile } from './graph-file';
import { createPod, type Pod } from './pod';
import { openRunEvents } from './run-events';
import { stopRun } from './stop-run';
import { submitRun } from './submit-run';
import type { HistoryEntry } from './wire';

export interface ComfyUiCallOptions {
  job: ProviderJob;
  context: CallContext;
  graph: GraphFile;
  http: HttpClient;
  baseUrl: string;
  /** Ends the call: the caller's abort or the total deadline. */
  signal: AbortSignal;
}

/** The server answers every call at once: none of them waits for a GPU. */
const longestAnswerSeconds = 30;
/** A websocket is worth a short wait only; without it the run is polled. */
const longestEventsWaitSeconds = 5;

/** One call of `generate`, from the search for an earlier run to the stored pictures. */
export class ComfyUiCall {
  /** How far it came, for the error that ends it. */
  readonly state: CallState = {
    provider: 'comfyui',
    stage: 'preparing',
    resumable: false,
    blankIs: 'corrupt',
  };
  private readonly pod: Pod;
  private readonly deadlines: RequestDeadlines;

  constructor(private readonly options: ComfyUiCallOptions) {
    const { connectSeconds, firstByteSeconds, idleSeconds } = options.job.deadlines;
    const answerSeconds = Math.min(firstByteSeconds, longestAnswerSeconds);
    this.deadlines = { connectSeconds, firstByteSeconds: answerSeconds, idleSeconds };
    this.pod = createPod({ ...options, deadlines: this.deadlines });
  }

  async run(): Promise<ProviderResult> {
    const { job, context, graph, signal } = this.options;
    const { outputNode } = graph;
    const found = await findRun(this.pod, {
      jobKey: job.jobKey,
      outputNode,
      previous: context.dispatch.previous,
    });
    const { handle, entry } = await this.finish(found);
    const { media, onProgress } = context;
    onProgress({ phase: 'downloading' });
    const options = { pod: this.pod, media, signal, expects: job.mediaKind, outputNode, handle };
    return await collectPictures(entry, options);
  }

  /** Ends the run on the pod. Call it after an abort; never throws. */
  async stop(): Promise<void> {
    const { stage, providerRequestId } = this.state;
    if (stage === 'preparing' || providerRequestId === undefined) return;
    await stopRun(providerRequestId, { ...this.options, deadlines: this.deadlines });
    this.state.resumable = false;
  }

  private async finish(found: FoundRun): Promise<{ handle: RunHandle; entry: HistoryEntry }> {
    const { promptId, run, sighting } = found;
    if (sighting.state === 'finished') {
      return { handle: await this.accept({ promptId, run }), entry: sighting.entry };
    }
    // Pictures first: their upload may take longer than a proxy lets an idle websocket live.
    const graph = sighting.state === 'absent' ? await this.fillGraph() : undefined;
    // Before the submit, or the first events would be missed.
    const events = await this.openEvents(promptId);
    try {
      const handle = await this.accept(
        graph === undefined ? { promptId, run } : await this.submit({ promptId, run }, graph),
      );
      return { handle, entry: await this.follow(handle, events) };
    } finally {
      events.close();
    }
  }
}
