import { openCallScope } from '../deadlines';
import { createHttpClient } from '../http';
import type { ProviderClient } from '../types';
import { ComfyUiCall } from './comfyui-call';
import { toComfyUiError } from './errors';
import { loadGraphLibrary } from './graph-library';
import { createPod } from './pod';
import { earlierRun } from './run-handle';
import { chargeOfStop, stopRun } from './stop-run';

export interface ComfyUiClientSettings {
  /** Of the server, with its path if it has one. */
  baseUrl: string;
  /** Folder of graph files that win over ours of the same name. */
  graphsDir?: string | undefined;
}

/** For requests the server answers at once. */
const briefDeadlines = { connectSeconds: 5, firstByteSeconds: 5, idleSeconds: 5 };

/**
 * The client of a ComfyUI pod. A job's prompt id derives from its key, and queue and history are searched for it
 * before every submit, so that a call after a crash finds the run instead of paying for a second one.
 *
 * @throws GraphFileError when one of our graphs, or one in `graphsDir`, cannot be used.
 */
export function createComfyUiClient(settings: ComfyUiClientSettings): ProviderClient {
  const http = createHttpClient();
  const { baseUrl } = settings;
  const graphs = loadGraphLibrary(settings.graphsDir);
  return {
    provider: 'comfyui',
    findsLostJobs: true,

    async generate(job, context) {
      const graph = graphs.get(job.endpoint);
      const scope = openCallScope(context.signal, job.deadlines.totalSeconds);
      const call = new ComfyUiCall({ job, context, graph, http, baseUrl, signal: scope.signal });
      try {
        return await call.run();
      } catch (error) {
        if (scope.signal.aborted) await call.stop();
        context.signal.throwIfAborted();
        throw toComfyUiError(error, call.state);
      } finally {
        scope.close();
      }
    },

    async stop({ jobKey, dispatch }, { signal }) {
      const promptId = earlierRun(jobKey, dispatch);
      if (promptId === undefined) return undefined;
      const options = { http, baseUrl, deadlines: briefDeadlines };
      return chargeOfStop(await stopRun(promptId, options, signal));
    },

    async checkHealth({ signal }) {
      try {
        const pod = createPod({ http, baseUrl, signal, deadlines: briefDeadlines });
        return { healthy: true, detail: await pod.describe() };
      } catch (error) {
        return { healthy: false, detail: healthProblem(error) };
      }
    },
  };
}

function healthProblem(error: unknown): string {
  const state = { provider: 'comfyui', stage: 'preparing', resumable: false, blankIs: 'corrupt' } as const;
  return toComfyUiError(error, state).message;
}
