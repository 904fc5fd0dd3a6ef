import { createComfyUiClient } from '../../../src/providers/comfyui/client';
import { promptIdOf } from '../../../src/providers/comfyui/prompt-id';
import type { ProviderJob } from '../../../src/providers/types';
import { picture } from '../../assets/pictures';
import { startJob, textJob, type StartedJob } from './run-job';
import { ScriptedPod } from './scripted-pod';

/** Id of the run of `textJob()`. */
export const ownId = promptIdOf('generation-1/slot-1/1');

export interface PodRig {
  /** The pod of the test that runs; it can send the picture `made.png`. */
  readonly pod: ScriptedPod;
  /** Starts a job, by default `textJob()`, with a client of its own. */
  start(job?: ProviderJob, options?: Parameters<typeof startJob>[2]): StartedJob;
  /** Resolves with the prompt id of the first submit the pod accepted. */
  submitted(): Promise<string>;
  /** Puts another pod in the place of this one. */
  replacePod(options: { websocket: boolean }): Promise<void>;
}

/** Gives every test of a file a scripted pod of its own. */
export function usePodRig(): PodRig {
  let pod: ScriptedPod;
  const startPod = async (options?: { websocket: boolean }): Promise<void> => {
    pod = await ScriptedPod.start(options);
    pod.files.set('made.png', await picture('png'));
  };
  beforeEach(async () => {
    await startPod();
  });
  afterEach(async () => {
    await pod.close();
  });
  return {
    get pod() {
      return pod;
    },
    start: (job = textJob(), options = {}) =>
      startJob(createComfyUiClient({ baseUrl: pod.url }), job, options),
    async submitted() {
      await pod.reached(() => pod.submits.length === 1);
      return pod.submits[0]?.prompt_id ?? '';
    },
    async replacePod(options) {
      await pod.close();
      await startPod(options);
    },
  };
}
