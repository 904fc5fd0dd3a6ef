import path from 'node:path';
import type { GenerationState } from '../../src/domain/generation';
import { projectDirectory } from '../../local/stack/project-directory';
import { waitUntil } from '../../test/support/wait-until';
import { startLocalStack, type LocalStack } from '../../test/support/local-stack';

export const benchCharacter = 'bench';

/** The whole stack with unscaled provider times. */
export interface BenchStack extends LocalStack {
  /** Absolute. */
  dataDirectory: string;
  /** Every provider job takes exactly this long. */
  setLatency(seconds: number): Promise<void>;
  resultOf(flow: string, generationId: string): Promise<GenerationState>;
  /** Waits until its watch found the provider up: a scenario must not begin with the outage of the one before. */
  untilUp(provider: string): Promise<void>;
}

export async function startBenchStack(): Promise<BenchStack> {
  const dataDirectory = path.join(projectDirectory, 'data', 'bench');
  const stack = await startLocalStack({
    dataDirectory,
    environment: { EMULATOR_TIME_SCALE: '1', MODAL_CONCURRENCY: '600' },
    fresh: true,
  });
  await stack.api.putCharacter(benchCharacter, 'Bench');
  return {
    ...stack,
    dataDirectory,
    async setLatency(fixedLatencySeconds) {
      await stack.control('PUT', '/control/settings', { fixedLatencySeconds, fal: { queueSeconds: 0 } });
    },
    resultOf: (flow, id) => stack.result(`${flow}/${benchCharacter}/${id}`),
    untilUp: (provider) =>
      waitUntil(async () => {
        const response = await fetch(new URL('/v1/providers', stack.description.api));
        const { items } = (await response.json()) as { items: { provider: string; state: string }[] };
        return items.some((item) => item.provider === provider && item.state === 'up');
      }),
  };
}
