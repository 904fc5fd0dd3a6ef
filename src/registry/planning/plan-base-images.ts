import type { GenerationPlan } from '../../domain/plan';
import type { BaseImagesRequest } from '../../domain/requests';
import { RequestRefused, type RefusalIssue } from '../refusal';
import type { RoutingContext } from '../types';
import { checkMinors } from './check-minors';
import { undeclared } from './check-nsfw';
import { jobRules } from './job-rules';
import { planSlot, slotSeed } from './plan-slot';

/** Always six: each pair starts at another endpoint and has the other provider behind it. */
const slotOrders: readonly (readonly string[])[] = [
  ['modal-flux-dev', 'fal-flux-dev'],
  ['modal-flux-dev', 'fal-flux-dev'],
  ['fal-flux-dev', 'modal-flux-dev'],
  ['fal-flux-dev', 'modal-flux-dev'],
  ['fal-seedream-v4.5', 'modal-flux-dev'],
  ['fal-seedream-v4.5', 'modal-flux-dev'],
];

/** A first picture of a person is for everyone's eyes, whatever the caller wrote. */
const modestWords = 'adult, fully dressed in everyday clothes, relaxed natural pose, plain background';
const forbiddenWords =
  'nude, naked, topless, bare chest, underwear, lingerie, swimwear, see-through clothes, sexual, suggestive pose, child, teenager';

const dayInSeconds = 24 * 3600;

/** Plan of the six first pictures of a character. @throws RequestRefused */
export function planBaseImages(
  request: BaseImagesRequest,
  context: RoutingContext,
  fallbackSeed: number,
): GenerationPlan {
  const issues = baseImageIssues(request, context);
  const [first, ...rest] = issues;
  if (first !== undefined) throw new RequestRefused([first, ...rest]);
  return {
    slots: slotOrders.map((order, index) =>
      planBaseSlot(request, context, { order, slot: index + 1, fallbackSeed }),
    ),
    parking: context.parking,
    deadlineSeconds: request.deadlineSeconds ?? dayInSeconds,
    maxPaidAttempts: 6,
    rules: jobRules(request, { distinct: true }),
  };
}

function baseImageIssues({ nsfw, prompt }: BaseImagesRequest, context: RoutingContext): RefusalIssue[] {
  const minors = checkMinors(nsfw, { prompt }, context);
  // They are always SFW: declaring it is no way out.
  if (!nsfw) return minors.length > 0 ? minors : undeclared(prompt, { nsfwEnabled: false });
  const always: RefusalIssue = {
    field: 'nsfw',
    code: 'base_images_are_sfw',
    message: 'base images are always SFW; leave nsfw out',
  };
  return [always, ...minors];
}

interface BaseSlot {
  order: readonly string[];
  slot: number;
  fallbackSeed: number;
}

function planBaseSlot(
  { prompt, negativePrompt, width, height, seed }: BaseImagesRequest,
  context: RoutingContext,
  { order, slot, fallbackSeed }: BaseSlot,
) {
  const settings = {
    prompt: `${prompt}, ${modestWords}`,
    negativePrompt: negativePrompt ? `${negativePrompt}, ${forbiddenWords}` : forbiddenWords,
    width,
    height,
    seed: slotSeed(seed ?? fallbackSeed, slot),
    nsfw: false,
  };
  const route = {
    mode: 'creating',
    settings,
    hasReference: false,
    hasSource: false,
    hasMask: false,
    preference: {},
    order,
  } as const;
  return planSlot({ slot, label: `option ${slot}`, assets: {}, route }, context);
}
