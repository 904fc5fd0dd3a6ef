import type { GenerationPlan, SlotPlan } from '../../domain/plan';
import type { InputAssets, ProfilePicturesRequest } from '../../domain/requests';
import type { PixelSize } from '../aspect-sizes';
import { RequestRefused } from '../refusal';
import { picturesOf } from '../routing/pictures-of';
import type { RouteRequest } from '../routing/route-request';
import type { RoutingContext } from '../types';
import { checkProfilePictures } from './check-profile-pictures';
import { jobRules } from './job-rules';
import { planSlot, slotSeed } from './plan-slot';
import type { ProfilePosition } from './profile-positions';
import { profileSetPictures, type ProfilePicture } from './profile-set';

interface ProfileMode {
  order: readonly string[];
  baseWidth: number;
  steps: number;
  referenceStrength?: number;
}

/** Modal only, as the customer's document says: faces are kept by three engines in turn, or by none in `fast`. */
const modes: Record<ProfilePicturesRequest['mode'], ProfileMode> = {
  consistent: {
    order: ['modal-sdxl-instantid', 'modal-flux-pulid', 'modal-flux-ipadapter-faceid'],
    baseWidth: 1024,
    steps: 20,
    referenceStrength: 0.8,
  },
  fast: { order: ['modal-z-image-danrisi'], baseWidth: 768, steps: 9 },
};

const heightByWidth: Record<ProfilePosition['aspectRatio'], number> = {
  '9:16': 16 / 9,
  '4:5': 5 / 4,
  '1:1': 1,
};
const framingWords: Record<ProfilePosition['framing'], string> = {
  'close-up': 'close-up of the face',
  medium: 'from the waist up',
  'full-body': 'full body in frame',
};
const adultWords = 'adult over 25 years old';
const dressedNegative = 'nude, naked, lingerie, sexual';
const anatomyNegative = 'deformed hands, extra fingers, extra limbs, blurry, watermark, text';
const dayInSeconds = 24 * 3600;

/** Plan of a set of profile pictures. @throws RequestRefused */
export function planProfilePictures(
  request: ProfilePicturesRequest,
  assets: InputAssets,
  context: RoutingContext,
  fallbackSeed: number,
): GenerationPlan {
  const [first, ...rest] = checkProfilePictures(request, assets, context);
  if (first !== undefined) throw new RequestRefused([first, ...rest]);
  const firstSeed = request.seed ?? fallbackSeed;
  return {
    slots: profileSetPictures(request).map((picture, index) =>
      planPicture({ request, assets, picture, slot: index + 1, firstSeed }, context),
    ),
    parking: context.parking,
    deadlineSeconds: request.deadlineSeconds ?? dayInSeconds,
    maxPaidAttempts: 6,
    rules: jobRules(request, { distinct: true }),
  };
}

interface PictureRequest {
  request: ProfilePicturesRequest;
  assets: InputAssets;
  picture: ProfilePicture;
  slot: number;
  firstSeed: number;
}

function planPicture(
  { request, assets, picture, slot, firstSeed }: PictureRequest,
  context: RoutingContext,
): SlotPlan {
  const { order, baseWidth, steps, referenceStrength } = modes[request.mode];
  const { position, nsfw } = picture;
  const route: RouteRequest = {
    mode: 'creating',
    settings: {
      prompt: pictureText(request.prompt, picture),
      negativePrompt: negativeText(request.negativePrompt, nsfw),
      ...sizeOf(position, baseWidth),
      seed: slotSeed(firstSeed, slot),
      steps,
      referenceStrength,
      nsfw,
    },
    ...picturesOf(assets),
    preference: {},
    order,
  };
  return planSlot({ slot, label: position.label, assets, route }, context);
}

function pictureText(character: string, { position, nsfw }: ProfilePicture): string {
  const words = [character, position.scene, framingWords[position.framing]];
  return (nsfw ? [...words, adultWords] : words).join(', ');
}

function negativeText(own: string | undefined, nsfw: boolean): string {
  const parts = nsfw ? [own, anatomyNegative] : [own, dressedNegative, anatomyNegative];
  return parts.filter((part) => part !== undefined && part !== '').join(', ');
}

/** Each side to the nearest multiple of 16: 1024 gives 1024×1824 for 9:16. */
function sizeOf({ aspectRatio }: ProfilePosition, baseWidth: number): PixelSize {
  return { width: baseWidth, height: Math.round((baseWidth * heightByWidth[aspectRatio]) / 16) * 16 };
}
