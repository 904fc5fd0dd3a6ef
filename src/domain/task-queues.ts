import type { ProviderName } from './taxonomy';

/** Workflows and their short activities. */
export const generationTaskQueue = 'ryla-generation';

/** One queue per provider, so that a provider's concurrency can be limited on its own. */
export const providerTaskQueues: Readonly<Record<ProviderName, string>> = {
  modal: 'ryla-generation-modal',
  fal: 'ryla-generation-fal',
  comfyui: 'ryla-generation-comfyui',
};
