import type { ProviderName } from './taxonomy';

/** Workflows and their short activities. */
export const generationTaskQueue = 'ryla-generation';

/** The same where providers are emulated: such a worker never takes a job that was meant for real providers. */
export const emulatedTaskQueue = 'ryla-generation-emulated';

/** One queue per provider beside the workflows' own, so that a provider's concurrency can be limited. */
export function providerTaskQueue(taskQueue: string, provider: ProviderName): string {
  return `${taskQueue}-${provider}`;
}
