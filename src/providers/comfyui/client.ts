import type { CallState } from '../call-failure';
import { createHttpClient } from '../http/http';
import type { ProviderClient } from '../types';
import { collectRun } from './collect-run';
import { toComfyUiError } from './errors';
import { findSubmitted, lookTwice } from './find-run';
import { loadGraphLibrary } from './graph-library';
import { createPod, limitsOf } from './pod';
import { noteOf, readHandle } from './run-handle';
import { stopRun } from './stop-run';
import { submitRun } from './submit-run';

export interface ComfyUiClientSettings {
  /** Of the server, with its path if it has one. */
  baseUrl: string;
  /** Folder of graph files that win over ours of the same name. */
  graphsDir?: string | undefined;
}

/** For requests the server answers at once. */
const healthLimits = { connectSeconds: 5, answerSeconds: 5, uploadSeconds: 5 };

/**
 * The client of a ComfyUI pod. A job's prompt id derives from its key and is the clue by which a lost submit is found, in
 * the pod's queue, its history, or on its disk.
 *
 * @throws GraphFileError when one of our graphs, or one in `graphsDir`, cannot be used.
 */
export function createComfyUiClient(settings: ComfyUiClientSettings): ProviderClient {
  const http = createHttpClient();
  const { baseUrl } = settings;
  const graphs = loadGraphLibrary(settings.graphsDir);
  return {
    provider: 'comfyui',

    async submit(job, context) {
      return await submitRun({ job, graph: graphs.get(job.endpoint), http, baseUrl, context });
    },

    async find(job, clue, { signal }) {
      const { promptId } = readHandle(job.jobKey, clue);
      const graph = graphs.get(job.endpoint);
      const pod = createPod({ http, baseUrl, limits: limitsOf(job.deadlines), signal });
      try {
        const { state } = await lookTwice(() => findSubmitted(pod, { promptId, graph }), signal);
        if (state === 'absent') return { kind: 'never' };
        const queuedSince = state === 'finished' ? undefined : new Date().toISOString();
        return { kind: 'accepted', handle: noteOf({ promptId, queuedSince }), providerRequestId: promptId };
      } catch (error) {
        signal.throwIfAborted();
        throw toComfyUiError(error, unsent);
      }
    },

    async collect(job, handle, context) {
      const run = readHandle(job.jobKey, handle);
      return await collectRun({ job, graph: graphs.get(job.endpoint), http, baseUrl, handle: run, context });
    },

    async stop({ jobKey, endpoint, dispatch }, { signal }) {
      if (dispatch.phase === 'none') return { kind: 'never' };
      const isAccepted = dispatch.phase === 'accepted';
      const { promptId } = readHandle(jobKey, isAccepted ? dispatch.handle : dispatch.clue);
      const graph = graphs.has(endpoint) ? graphs.get(endpoint) : undefined;
      return await stopRun({ promptId, graph, isAccepted }, { http, baseUrl }, signal);
    },

    // The prompt id is made of the key.
    goesByKey: () => true,

    async checkHealth({ signal }) {
      try {
        const pod = createPod({ http, baseUrl, signal, limits: healthLimits });
        return { healthy: true, detail: await pod.describe() };
      } catch (error) {
        return { healthy: false, detail: toComfyUiError(error, unsent).message };
      }
    },
  };
}

/** Of a call that pays for nothing. */
const unsent: CallState = { provider: 'comfyui', stage: 'preparing', blankIs: 'corrupt' };
