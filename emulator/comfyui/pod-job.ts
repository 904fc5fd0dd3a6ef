import type { Fault } from '../faults/faults';
import type { JournalEntry } from '../journal';
import { executionOrder, type Graph } from './graph';
import type { FileRef } from './pod-files';
import type { Scene } from './scene';

/** One queued graph. */
export interface PodJob {
  readonly id: string;
  readonly number: number;
  readonly graph: Graph;
  readonly outputs: readonly string[];
  readonly extraData: Record<string, unknown>;
  readonly clientId: string | undefined;
  readonly flow: string;
  /** What the first output shows. */
  readonly scene: Scene;
  /** Hash of graph and input pictures: equal jobs are served from the cache. */
  readonly fingerprint: string;
  readonly entry: JournalEntry;
  readonly fault: Fault | undefined;
  /** Set by an interrupt; takes effect at the next node or progress step. */
  interrupted: boolean;
  /** Ends the job's waits at once: the server is gone. */
  readonly stop: AbortController;
}

/** `outputs` of a history entry. */
export type PodOutputs = Record<string, { images: FileRef[]; animated?: boolean[] }>;

/** One `[event, data]` of a history's `messages`. */
export type PodMessage = [string, Record<string, unknown>];

export interface HistoryEntry {
  prompt: QueueItem;
  outputs: PodOutputs;
  status: { status_str: 'success' | 'error'; completed: boolean; messages: PodMessage[] };
  meta: Record<string, unknown>;
}

/** `[number, id, graph, extra data, outputs]`, as queue and history list a job. */
export type QueueItem = [number, string, Graph, Record<string, unknown>, readonly string[]];

export function queueItem(job: PodJob): QueueItem {
  return [job.number, job.id, job.graph, job.extraData, job.outputs];
}

/** Ids of the nodes a job runs, in order. */
export function nodesOf(job: PodJob): string[] {
  return executionOrder(job.graph, job.outputs);
}
