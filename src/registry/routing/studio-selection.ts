import type { StudioRequest } from '../../domain/requests';
import type { ProviderName } from '../../domain/taxonomy';

/** What the customer's two selection functions look at. */
export interface StudioSelectionInput {
  useLora?: boolean | undefined;
  loraAvailable?: boolean | undefined;
  referenceImageUrl?: string | undefined;
  nsfw?: boolean | undefined;
  modelProvider?: ProviderName | undefined;
  modelPreference?: StudioRequest['modelPreference'];
  quality?: StudioRequest['quality'] | undefined;
}

/** The customer's provider selection: a trained LoRA and NSFW bind to Modal, everything else may ask for a provider. */
export function selectStudioProvider(input: StudioSelectionInput): ProviderName {
  if (hasLora(input)) return 'modal';
  if (input.nsfw === true) return 'modal';
  return input.modelProvider ?? 'modal';
}

/**
 * The customer's endpoint selection. Its text has no branch for the pod, which would get a Modal path there; here the
 * pod gets its own graph (docs/decisions/0004-studio-selection.md).
 */
export function selectStudioEndpoint(input: StudioSelectionInput, provider: ProviderName): string {
  if (hasLora(input)) return input.modelPreference === 'qwen' ? '/qwen-image-2512-lora' : '/flux-dev-lora';
  if (hasReference(input)) return referenceEndpoints[provider];
  return input.quality === 'fast' ? fastEndpoints[provider] : qualityEndpoints[provider];
}

const referenceEndpoints: Record<ProviderName, string> = {
  modal: '/sdxl-instantid',
  fal: 'fal-ai/flux-pulid',
  comfyui: 'sdxl-instantid',
};
const fastEndpoints: Record<ProviderName, string> = {
  modal: '/flux',
  fal: 'fal-ai/flux/schnell',
  comfyui: 'sdxl-text-to-image',
};
const qualityEndpoints: Record<ProviderName, string> = {
  modal: '/flux-dev',
  fal: 'fal-ai/flux/dev',
  comfyui: 'sdxl-text-to-image',
};

function hasLora({ useLora, loraAvailable }: StudioSelectionInput): boolean {
  return useLora === true && loraAvailable === true;
}

/** An empty string is no reference, as in the customer's `!!input.referenceImageUrl`. */
function hasReference({ referenceImageUrl }: StudioSelectionInput): boolean {
  return referenceImageUrl !== undefined && referenceImageUrl !== '';
}
