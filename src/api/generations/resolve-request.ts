import type {
  BaseImagesRequest,
  FlowRequest,
  InputAssets,
  ProfilePicturesRequest,
  StudioRequest,
} from '../../domain/requests';
import { loraBasesFor, RequestRefused, type RefusalIssue } from '../../registry';
import { chooseLora, type LoraChoice } from './choose-lora';
import type { ApiContext } from '../context';
import { assetUrl } from '../http/links';
import { resolveAssets, type AssetField, type AssetUse } from './resolve-assets';

/** A validated body and the flow it is for. */
export type FlowBody =
  | { flow: 'base-images'; request: BaseImagesRequest }
  | { flow: 'profile-pictures'; request: ProfilePicturesRequest }
  | { flow: 'studio'; request: StudioRequest };

/**
 * Looks up all that a request names among what the caller has: character, pictures, LoRA. Pictures from elsewhere are
 * fetched, and are the caller's from then on.
 *
 * @throws RequestRefused with everything that does not exist or cannot be used, and HttpProblem 403.
 */
export async function resolveRequest(
  context: ApiContext,
  body: FlowBody,
  { caller, ownHost, mayStore }: Omit<AssetUse, 'nsfw'>,
): Promise<FlowRequest> {
  await assertCharacter(context, caller, body.request.characterId);
  if (body.flow === 'base-images') return body;
  const { assets, issues } = await resolveAssets(context, assetFields(body), {
    caller,
    ownHost,
    mayStore,
    nsfw: body.request.nsfw,
  });
  if (body.flow === 'profile-pictures') {
    refuseAny(issues);
    return { flow: body.flow, request: { ...body.request, ...urlsOf(assets) }, assets };
  }
  const choice = await resolveLora(context, caller, body.request);
  refuseAny(choice !== undefined && 'issue' in choice ? [...issues, choice.issue] : issues);
  return { flow: body.flow, request: { ...body.request, ...urlsOf(assets) }, assets, ...choice };
}

/** What is kept names the assets, not where they came from: that may be megabytes, a secret, or gone tomorrow. */
function urlsOf({
  reference,
  source,
  mask,
}: InputAssets): Partial<Pick<StudioRequest, 'referenceImageUrl' | 'sourceImageUrl' | 'maskImageUrl'>> {
  return {
    ...(reference !== undefined && { referenceImageUrl: assetUrl(reference.assetId) }),
    ...(source !== undefined && { sourceImageUrl: assetUrl(source.assetId) }),
    ...(mask !== undefined && { maskImageUrl: assetUrl(mask.assetId) }),
  };
}

async function assertCharacter({ characters }: ApiContext, caller: string, id: string): Promise<void> {
  if ((await characters.get(caller, id)) !== undefined) return;
  const message = `there is no character ${id}: create it with PUT /v1/characters/${id}`;
  throw new RequestRefused([{ field: 'characterId', code: 'character_not_found', message }]);
}

function assetFields(body: Exclude<FlowBody, { flow: 'base-images' }>): AssetField[] {
  const reference = {
    role: 'reference',
    field: 'referenceImageUrl',
    url: body.request.referenceImageUrl,
  } as const;
  if (body.flow === 'profile-pictures') return [reference];
  const { mode, sourceImageUrl, maskImageUrl } = body.request;
  return [
    { ...reference, mayBeClip: mode === 'video' },
    { role: 'source', field: 'sourceImageUrl', url: sourceImageUrl },
    { role: 'mask', field: 'maskImageUrl', url: maskImageUrl },
  ];
}

/** Without `useLora` nothing is looked up; a stray `loraId` is refused by the plan. */
async function resolveLora(
  { loras }: ApiContext,
  caller: string,
  request: StudioRequest,
): Promise<LoraChoice | undefined> {
  if (!request.useLora) return undefined;
  const { characterId, loraId, loraStrength } = request;
  const bases = loraBasesFor(request);
  return chooseLora(await loras.list({ caller, characterId }), { loraId, loraStrength, bases });
}

function refuseAny(issues: readonly RefusalIssue[]): void {
  const [first, ...others] = issues;
  if (first !== undefined) throw new RequestRefused([first, ...others]);
}
