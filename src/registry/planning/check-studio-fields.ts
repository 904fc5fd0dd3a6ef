import type { InputAssets, ResolvedLora, StudioMode, StudioRequest } from '../../domain/requests';
import { models } from '../models';
import type { RefusalIssue } from '../refusal';
import type { RefusalCode } from '../refusal-codes';
import { checkMediaType } from './check-media-type';

/** Modes in which at least one endpoint has a use for the field; fields not named here serve every mode. */
const modesOfField = {
  useLora: ['creating', 'video'],
  referenceImageUrl: ['creating', 'video'],
  referenceStrength: ['creating'],
  sourceImageUrl: ['variations', 'editing', 'upscaling'],
  maskImageUrl: ['editing'],
  modelPreference: ['creating'],
  aspectRatio: ['creating', 'video'],
  width: ['creating', 'video'],
  height: ['creating', 'video'],
  strength: ['variations', 'editing'],
  upscaleFactor: ['upscaling'],
  frames: ['video'],
  fps: ['video'],
} as const satisfies Partial<Record<keyof StudioRequest, readonly StudioMode[]>>;

type ModalField = keyof typeof modesOfField;
const modalFields: readonly ModalField[] = [
  'useLora',
  'referenceImageUrl',
  'referenceStrength',
  'sourceImageUrl',
  'maskImageUrl',
  'modelPreference',
  'aspectRatio',
  'width',
  'height',
  'strength',
  'upscaleFactor',
  'frames',
  'fps',
];

/** What is missing, contradictory or without use in a studio request; nothing is dropped in silence. */
export function checkStudioFields(
  request: StudioRequest,
  assets: InputAssets,
  lora: ResolvedLora | undefined,
): RefusalIssue[] {
  return [
    ...uselessFields(request),
    ...missingFields(request, assets),
    ...contradictions(request),
    ...loraIssues(request, lora),
    ...checkMediaType(
      'referenceImageUrl',
      assets.reference,
      request.mode === 'video' ? ['image/', 'video/'] : ['image/'],
    ),
    ...checkMediaType('sourceImageUrl', assets.source, ['image/']),
    ...checkMediaType('maskImageUrl', assets.mask, ['image/']),
  ];
}

function uselessFields(request: StudioRequest): RefusalIssue[] {
  return modalFields.flatMap((field) => {
    const modes: readonly StudioMode[] = modesOfField[field];
    const given = field === 'useLora' ? request.useLora : request[field] !== undefined;
    if (!given || modes.includes(request.mode)) return [];
    const others = modes.map((mode) => `"${mode}"`).join(', ');
    const message = `mode "${request.mode}" has no use for it; leave it out, or choose mode ${others}`;
    return [{ field, code: 'field_not_used', message }];
  });
}

function missingFields(request: StudioRequest, assets: InputAssets): RefusalIssue[] {
  const { mode } = request;
  const issues: RefusalIssue[] = [];
  if (mode !== 'upscaling' && request.prompt === undefined) {
    issues.push(issue('prompt', 'prompt_required', `mode "${mode}" needs a prompt`));
  }
  if (modesOfField.sourceImageUrl.some((needed) => needed === mode) && assets.source === undefined) {
    const message = `mode "${mode}" needs the picture to start from; upload it with POST /v1/assets and give its URL`;
    issues.push(issue('sourceImageUrl', 'source_required', message));
  }
  return [...issues, ...unresolvedPictures(request, assets)];
}

/** A URL whose asset was not looked up would leave the picture out of the plan. */
function unresolvedPictures(request: StudioRequest, assets: InputAssets): RefusalIssue[] {
  const pictures = [
    ['referenceImageUrl', assets.reference],
    ['maskImageUrl', assets.mask],
  ] as const;
  return pictures
    .filter(([field, asset]) => request[field] !== undefined && asset === undefined)
    .map(([field]) => issue(field, 'unknown_asset', 'is not an asset of this service'));
}

function contradictions(request: StudioRequest): RefusalIssue[] {
  const { width, height, aspectRatio, strict, modelId, modelProvider } = request;
  const issues: RefusalIssue[] = [];
  if ((width === undefined) !== (height === undefined)) {
    const field = width === undefined ? 'width' : 'height';
    issues.push(issue(field, 'size_incomplete', 'give width and height together, or use aspectRatio'));
  }
  if (aspectRatio !== undefined && (width !== undefined || height !== undefined)) {
    issues.push(issue('aspectRatio', 'size_twice', 'give either aspectRatio or width and height'));
  }
  if (strict && modelId === undefined && modelProvider === undefined) {
    issues.push(
      issue('strict', 'nothing_to_be_strict_about', 'needs modelId or modelProvider; leave it out otherwise'),
    );
  }
  if (request.referenceStrength !== undefined && request.referenceImageUrl === undefined) {
    issues.push(issue('referenceStrength', 'needs_reference', 'has no effect without referenceImageUrl'));
  }
  return issues;
}

function loraIssues(request: StudioRequest, lora: ResolvedLora | undefined): RefusalIssue[] {
  if (!request.useLora) return uselessLoraFields(request);
  if (lora === undefined) {
    const message = 'this character has no trained LoRA for it; train one, or leave useLora out';
    return [issue(request.loraId === undefined ? 'useLora' : 'loraId', 'lora_unavailable', message)];
  }
  return [...bothIdentities(request), ...baseModelIssues(request.mode, lora)];
}

function uselessLoraFields(request: StudioRequest): RefusalIssue[] {
  const fields = ['loraId', 'loraStrength'] as const;
  return fields
    .filter((field) => request[field] !== undefined)
    .map((field) => issue(field, 'needs_use_lora', 'has no effect without useLora: true'));
}

/** No endpoint takes both, and dropping one would break the identity contract. */
function bothIdentities({ referenceImageUrl }: StudioRequest): RefusalIssue[] {
  if (referenceImageUrl === undefined) return [];
  return [
    issue('useLora', 'lora_and_reference', 'no endpoint takes a LoRA and a reference; leave one of them out'),
    issue('referenceImageUrl', 'lora_and_reference', 'would be dropped beside a LoRA; leave one of them out'),
  ];
}

function baseModelIssues(mode: StudioMode, { loraId, baseModel }: ResolvedLora): RefusalIssue[] {
  const bases = models
    .filter((model) => model.studioModes.includes(mode))
    .flatMap(({ loraBaseModel }) => loraBaseModel ?? []);
  if (bases.length === 0 || bases.includes(baseModel)) return [];
  const message = `LoRA "${loraId}" was trained on ${baseModel}; mode "${mode}" needs one trained on ${bases.join(', ')}`;
  return [issue('loraId', 'lora_base_model', message)];
}

function issue(field: string, code: RefusalCode, message: string): RefusalIssue {
  return { field, code, message };
}
