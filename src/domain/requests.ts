import { z } from 'zod';
import { providerNames } from './taxonomy';

/**
 * The bodies of the three start routes, shared by the API and the workflows.
 * Rules that need the registry (capabilities, NSFW routing, identity) are in `registry/plan-route.ts`.
 */

export const flows = ['base-images', 'profile-pictures', 'studio'] as const;
export type Flow = (typeof flows)[number];

export const studioModes = ['creating', 'variations', 'editing', 'upscaling', 'video'] as const;
export type StudioMode = (typeof studioModes)[number];

export const loraBaseModels = ['flux', 'qwen', 'z-image', 'wan'] as const;
export type LoraBaseModel = (typeof loraBaseModels)[number];

export const aspectRatios = ['1:1', '16:9', '9:16', '4:3', '3:4', '3:2', '2:3', '4:5', '5:4'] as const;
export type AspectRatio = (typeof aspectRatios)[number];

export const profileSets = ['classic-influencer', 'professional-model', 'natural-beauty'] as const;
export type ProfileSet = (typeof profileSets)[number];

const identifier = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/,
    'use 1-64 letters, digits, "-" or "_", starting with a letter or digit',
  );
export const characterIdSchema = identifier;
/** Who asks and pays. Trusted as it comes: the gateway in front of this API says it. */
export const callerSchema = identifier;
/** The caller of requests that name none. */
export const defaultCaller = 'default';
export const loraIdSchema = identifier.refine((id) => !id.startsWith('character-'), {
  message: 'send the bare id: the provider adds "character-" itself, so a prefixed id would not be found',
});

/** Anything that a reader sees: no space, control character, mark without a letter, or filler such as U+2800. */
const visible = /[^\p{C}\p{Z}\p{M}\p{Default_Ignorable_Code_Point}\u2800]/u;
const prompt = z
  .string()
  .trim()
  .min(1, 'must not be empty')
  .max(4000)
  .refine((text) => text === '' || visible.test(text), { message: 'holds nothing that can be seen' });
const negativePrompt = z.string().trim().max(2000);
/** Unsigned 32 bit: the range every provider accepts. */
const seed = z.int().min(0).max(4_294_967_295);
/** Pixels. 256-2048 in steps of 16: below or between, samplers of the self-hosted models fail after being paid. */
const side = z.int().min(256).max(2048).multipleOf(16);
const longestUrl = 2048;
/**
 * Our own asset URL, absolute or as the path `/v1/assets/{id}`; a public http(s) URL; or a `data:` URL, which the size of
 * the body alone limits. The API checks it, and puts the path of the asset in its place.
 */
const pictureUrl = z
  .string()
  .min(1)
  .refine(
    (url) => url.length <= longestUrl || /^data:/i.test(url),
    `is longer than ${longestUrl} characters`,
  );
/** Seconds until a job that no provider could serve ends as failed. */
const deadlineSeconds = z
  .int()
  .min(60)
  .max(7 * 24 * 3600);

export const unknownOutcomes = ['resubmit', 'hold'] as const;
/** What happens to a submit whose outcome nobody can find out: sent once more, or put before a person. */
export type UnknownOutcome = (typeof unknownOutcomes)[number];

export const coherences = ['preferred', 'required'] as const;
/** Whether a set may mix engines while the first one is out (`preferred`, and then it says so) or waits for it. */
export type Coherence = (typeof coherences)[number];

/** Rules about money, common to every flow. */
const jobFields = {
  deadlineSeconds: deadlineSeconds.optional(),
  unknownOutcome: z.enum(unknownOutcomes).default('resubmit'),
  /** USD for the whole job, everything that may have been paid included. */
  maxCostUsd: z.number().min(0.001).max(1000).optional(),
  /** Return the stored picture of the very same recipe at no cost, where there is one; needs a `seed`. */
  reuse: z.boolean().default(false),
  /** Start the next provider when a call takes longer than nearly all others did, and keep whichever is first. */
  hedge: z.boolean().default(false),
};

/** Pictures a set needs to count as more than failed. */
const minSuccess = z.int().min(1).max(13).default(1);
/** New seeds for a slot whose picture was of no use: blank, broken, or a copy of another one of the set. */
const maxRefills = z.int().min(0).max(3).default(1);
const coherence = z.enum(coherences).default('preferred');

export const baseImagesRequestSchema = z.strictObject({
  characterId: characterIdSchema,
  prompt,
  negativePrompt: negativePrompt.optional(),
  width: side.default(1024),
  height: side.default(1024),
  seed: seed.optional(),
  /** Base images are always SFW; `true` is refused with the reason instead of being ignored. */
  nsfw: z.boolean().default(false),
  minSuccess,
  maxRefills,
  ...jobFields,
});
z.globalRegistry.add(baseImagesRequestSchema, { id: 'BaseImagesRequest' });
export type BaseImagesRequest = z.infer<typeof baseImagesRequestSchema>;

export const profilePicturesRequestSchema = z.strictObject({
  characterId: characterIdSchema,
  /** Describes the character; each position of the set adds its own pose and scene. */
  prompt,
  negativePrompt: negativePrompt.optional(),
  set: z.enum(profileSets).default('classic-influencer'),
  /** Pictures of the set before any NSFW extras; default is the set's own size (8, 9, 8). */
  count: z.int().min(7).max(10).optional(),
  mode: z.enum(['consistent', 'fast']).default('consistent'),
  /** The chosen base image; required in `consistent` mode. */
  referenceImageUrl: pictureUrl.optional(),
  nsfw: z.boolean().default(false),
  seed: seed.optional(),
  minSuccess,
  maxRefills,
  coherence,
  ...jobFields,
});
z.globalRegistry.add(profilePicturesRequestSchema, { id: 'ProfilePicturesRequest' });
export type ProfilePicturesRequest = z.infer<typeof profilePicturesRequestSchema>;

export const studioRequestSchema = z.strictObject({
  characterId: characterIdSchema,
  mode: z.enum(studioModes).default('creating'),
  /** Required in every mode but `upscaling`. */
  prompt: prompt.optional(),
  negativePrompt: negativePrompt.optional(),
  useLora: z.boolean().default(false),
  /** Left out: the character's default LoRA. */
  loraId: loraIdSchema.optional(),
  loraStrength: z.number().min(0.1).max(2).optional(),
  /** A face (or, in `video` mode, a clip) the result must keep. */
  referenceImageUrl: pictureUrl.optional(),
  /** Weight of the reference face, 0-2. */
  referenceStrength: z.number().min(0).max(2).optional(),
  /** The picture to vary, edit or upscale. */
  sourceImageUrl: pictureUrl.optional(),
  /** White = edit. */
  maskImageUrl: pictureUrl.optional(),
  nsfw: z.boolean().default(false),
  modelProvider: z.enum(providerNames).optional(),
  modelId: z.string().min(1).max(100).optional(),
  /** The preference becomes the only candidate. */
  strict: z.boolean().default(false),
  modelPreference: z.enum(['flux', 'qwen', 'z-image']).optional(),
  quality: z.enum(['fast', 'high']).default('high'),
  count: z.int().min(1).max(10).default(1),
  aspectRatio: z.enum(aspectRatios).optional(),
  width: side.optional(),
  height: side.optional(),
  seed: seed.optional(),
  steps: z.int().min(1).max(60).optional(),
  guidance: z.number().min(0).max(20).optional(),
  /** How far a variation or edit may move from its source, 0-1. */
  strength: z.number().min(0).max(1).optional(),
  /** Of width and height; less than 1.1 gives back what was sent. */
  upscaleFactor: z.number().min(1.1).max(8).optional(),
  /** Video length in frames (16 a second by default). */
  frames: z.int().min(5).max(161).optional(),
  fps: z.int().min(4).max(30).optional(),
  minSuccess,
  maxRefills,
  coherence,
  ...jobFields,
});
z.globalRegistry.add(studioRequestSchema, { id: 'StudioRequest' });
export type StudioRequest = z.infer<typeof studioRequestSchema>;

/** Input pictures of a job, as ids of our own asset store (the API has resolved the URLs). */
export interface InputAssets {
  reference?: AssetRef | undefined;
  source?: AssetRef | undefined;
  mask?: AssetRef | undefined;
}
export interface AssetRef {
  assetId: string;
  mediaType: string;
  bytes?: number | undefined;
  width?: number | undefined;
  height?: number | undefined;
}

/** A trained LoRA as the routes need it. */
export interface ResolvedLora {
  loraId: string;
  baseModel: LoraBaseModel;
  triggerWord: string;
  strength: number;
}

/** One flow's validated request together with everything the API looked up for it. */
export type FlowRequest =
  | { flow: 'base-images'; request: BaseImagesRequest }
  | { flow: 'profile-pictures'; request: ProfilePicturesRequest; assets: InputAssets }
  | { flow: 'studio'; request: StudioRequest; assets: InputAssets; lora?: ResolvedLora | undefined };

/** The same request with other settings that all flows have. */
export function withSettings(
  flowRequest: FlowRequest,
  settings: Partial<Pick<StudioRequest, 'seed' | 'reuse' | 'maxCostUsd'>>,
): FlowRequest {
  // Spelt out, because the compiler does not see that flow and request belong together.
  switch (flowRequest.flow) {
    case 'base-images':
      return { ...flowRequest, request: { ...flowRequest.request, ...settings } };
    case 'profile-pictures':
      return { ...flowRequest, request: { ...flowRequest.request, ...settings } };
    case 'studio':
      return { ...flowRequest, request: { ...flowRequest.request, ...settings } };
  }
}
