import type { JsonObject } from '../../domain/taxonomy';
import type { CallState } from '../call-failure';
import type { HttpClient, RequestDeadlines } from '../http';
import { readResult } from '../read-result';
import type { CallContext, CallProgress, ProviderJob, ProviderResult } from '../types';
import { awaitRun } from './await-run';
import { collectPictures } from './collect-pictures';
import { fillGraph } from './fill-graph';
import { toComfyUiError } from './errors';
import { findRun, type FoundRun } from './find-run';
import type { GraphFile } from './graph-file';
import { nameAfterRun } from './own-file';
import { createPod, type Pod } from './pod';
import { openRunEvents, type RunEvents } from './run-events';
import { earlierRun, noteOf, type RunHandle } from './run-handle';
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
    const { connectSeconds, firstByteSeconds, idleSeconds, downloadSeconds } = options.job.deadlines;
    const answerSeconds = Math.min(firstByteSeconds, longestAnswerSeconds);
    this.deadlines = { connectSeconds, firstByteSeconds: answerSeconds, idleSeconds, downloadSeconds };
    this.pod = createPod({ ...options, deadlines: this.deadlines });
  }

  async run(): Promise<ProviderResult> {
    const { job, context, graph } = this.options;
    const { previous } = context.dispatch;
    if (previous.phase === 'accepted') this.enter(earlierRun(job.jobKey, previous));
    const found = await findRun(this.pod, { jobKey: job.jobKey, previous, graph });
    const { handle, entry } = await this.finish(found);
    this.report({ phase: 'downloading' });
    return await readResult(() => this.collect(handle, entry), {
      brokenReads: handle.brokenReads ?? 0,
      remember: (brokenReads) =>
        context.dispatch.accepted(noteOf({ ...handle, brokenReads }), handle.promptId),
      explain: (error) => toComfyUiError(error, this.state),
    });
  }

  /** Ends the run on the pod. Call it after an abort; never throws. */
  async stop(): Promise<void> {
    const { job, context } = this.options;
    const promptId = this.state.providerRequestId ?? earlierRun(job.jobKey, context.dispatch.previous);
    if (promptId === undefined) return;
    const state = await stopRun(promptId, { ...this.options, deadlines: this.deadlines });
    // A run that ended before we could stop it, or that we could not reach, may still be collected.
    if (state !== undefined && state !== 'finished') this.state.resumable = false;
  }

  private async collect({ promptId }: RunHandle, entry: HistoryEntry): Promise<ProviderResult> {
    const { job, context, graph, signal } = this.options;
    const { outputNode } = graph;
    const save = { signal, expects: job.mediaKind, expectedSize: job.expectedSize };
    return await collectPictures(entry, { pod: this.pod, media: context.media, save, outputNode, promptId });
  }

  private async finish({ handle, sighting }: FoundRun): Promise<{ handle: RunHandle; entry: HistoryEntry }> {
    if (sighting.state === 'finished') return { handle: await this.accept(handle), entry: sighting.entry };
    // Uploads come first: they may take longer than a proxy lets an idle websocket live.
    const graph = sighting.state === 'absent' ? await this.fillGraph(handle.promptId) : undefined;
    const events = await this.openEvents(handle.promptId);
    try {
      const queued = graph === undefined ? handle : await this.submit(handle.promptId, graph);
      const accepted = await this.accept({ queuedSince: new Date().toISOString(), ...queued });
      return { handle: accepted, entry: await this.follow(accepted, events) };
    } finally {
      events.close();
    }
  }

  private async fillGraph(promptId: string): Promise<JsonObject> {
    const { graph, job, context } = this.options;
    const { media } = context;
    const filled = await fillGraph({ graph, job, media, pod: this.pod, onProgress: this.report });
    return nameAfterRun(filled, graph, promptId);
  }

  /** Opened before the submit, or the first events would be missed. */
  private async openEvents(promptId: string): Promise<RunEvents> {
    const { baseUrl, job, signal } = this.options;
    return await openRunEvents({
      baseUrl,
      promptId,
      signal,
      connectSeconds: Math.min(job.deadlines.connectSeconds, longestEventsWaitSeconds),
      onRunning: (fraction) => {
        this.report({ phase: 'running', fraction });
      },
    });
  }

  private async submit(promptId: string, graph: JsonObject): Promise<RunHandle> {
    const { context, signal } = this.options;
    await context.dispatch.intent();
    signal.throwIfAborted();
    this.state.stage = 'submitting';
    this.state.providerRequestId = promptId;
    const options = { ...this.options, deadlines: this.deadlines, state: this.state };
    return { promptId: await submitRun({ promptId, graph }, options) };
  }

  /** From here on a lost connection loses nothing: the run is found again. */
  private async accept(handle: RunHandle): Promise<RunHandle> {
    this.enter(handle.promptId);
    await this.options.context.dispatch.accepted(noteOf(handle), handle.promptId);
    this.options.signal.throwIfAborted();
    return handle;
  }

  private enter(promptId: string | undefined): void {
    this.state.stage = 'accepted';
    this.state.resumable = true;
    this.state.providerRequestId = promptId;
  }

  private async follow(handle: RunHandle, events: RunEvents): Promise<HistoryEntry> {
    const { job, signal, graph } = this.options;
    const { queueSeconds } = job.deadlines;
    const { promptId, queuedSince } = handle;
    return await awaitRun({
      ...{ pod: this.pod, promptId, graph, queuedSince, events, signal, queueSeconds },
      onProgress: this.report,
    });
  }

  private readonly report = (progress: CallProgress): void => {
    this.options.context.onProgress(progress);
  };
}
