import type { z } from 'zod';
import type { ExecutionPolicy, ParkingPolicy, WireInput } from '../domain/plan';
import type { AspectRatio, InputAssets, LoraBaseModel, ResolvedLora, StudioMode } from '../domain/requests';
import type { JsonObject, ProviderName } from '../domain/taxonomy';

/** The customer's five, and the two its own tables need: a reference face and video. */
export const modelCapabilities = [
  'text-to-image',
  'image-to-image',
  'lora',
  'editing',
  'upscaling',
  'reference-image',
  'video',
] as const;
export type ModelCapability = (typeof modelCapabilities)[number];

export type InputType = 'text' | 'text+image' | 'image' | 'text+image+mask';

/** One endpoint of one provider: all that routing, pricing and the wire need to know of it. */
export interface ModelDefinition {
  /** Unique, such as `modal-flux-dev`. */
  id: string;

  capabilities: readonly ModelCapability[];
  inputType: InputType;
  supportsNSFW: boolean;
  supportsLoRA: boolean;
  provider: ProviderName;
  /** Unique: Modal path, Fal endpoint id or ComfyUI graph name. */
  backendId: string;

  /** The name a person sees in the studio; two providers may share one. */
  uiModel: string;
  /** Modal app; absent elsewhere. */
  app?: string;
  studioModes: readonly StudioMode[];
  /** Base model a LoRA must have been trained on; set exactly where `supportsLoRA` is. */
  loraBaseModel?: LoraBaseModel;
  mediaKind: 'image' | 'video';
  /** What a success normally is; the true type is read from the bytes. */
  mediaType: 'image/jpeg' | 'image/png' | 'image/webp' | 'video/mp4';

  /** Wire field names, defaults and limits; strict. Input pictures are not in it (see `inputs`). */
  parameters: z.ZodObject;
  /** Our names to this endpoint's wire names, before `parameters` checks and completes them. */
  toWire(settings: SlotSettings): JsonObject;
  /** Which picture goes into which wire field. */
  inputs: Partial<Record<keyof InputAssets, Omit<WireInput, 'assetId' | 'mediaType'>>>;

  price: Price;
  /** Seconds of a warm call. */
  typicalSeconds: number;
  policy: ExecutionPolicy;
}

export interface Price {
  usd: number;
  per: 'image' | 'megapixel';
  /** ISO date of the price list. */
  asOf: string;
  source: string;
}

/** What one slot asks for, in our own words; `undefined` means the endpoint's default. */
export interface SlotSettings {
  prompt?: string | undefined;
  negativePrompt?: string | undefined;
  width?: number | undefined;
  height?: number | undefined;
  /** The ratio asked for by name; `width` and `height` then are our size for it, and a model may prefer its own. */
  aspectRatio?: AspectRatio | undefined;
  seed: number;
  steps?: number | undefined;
  guidance?: number | undefined;
  strength?: number | undefined;
  referenceStrength?: number | undefined;
  upscaleFactor?: number | undefined;
  /** Size of the picture to upscale, where known. */
  sourceWidth?: number | undefined;
  sourceHeight?: number | undefined;
  frames?: number | undefined;
  fps?: number | undefined;
  nsfw: boolean;
  lora?: ResolvedLora | undefined;
}

/** What this deployment may use; never part of a request. */
export interface RoutingContext {
  providers: Readonly<Record<ProviderName, { enabled: boolean; reason?: string }>>;
  nsfwEnabled: boolean;
  parking: ParkingPolicy;
}
