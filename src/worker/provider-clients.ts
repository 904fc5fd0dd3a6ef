import type { ProviderSettings } from '../config/provider-settings';
import type { ProviderName } from '../domain/taxonomy';
import { createComfyUiClient } from '../providers/comfyui/client';
import { createFalClient } from '../providers/fal/client';
import { createModalClient } from '../providers/modal/client';
import type { ProviderClient } from '../providers/types';

/** A client for every enabled provider. */
export function createProviderClients({
  modal,
  fal,
  comfyui,
}: ProviderSettings): Partial<Record<ProviderName, ProviderClient>> {
  return {
    ...(modal !== undefined && { modal: createModalClient(modal) }),
    ...(fal !== undefined && { fal: createFalClient(fal) }),
    ...(comfyui !== undefined && { comfyui: createComfyUiClient(comfyui) }),
  };
}
