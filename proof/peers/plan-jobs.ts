import { sha256 } from '../../emulator/pictures/fingerprint';
import type { PlannedCandidate, WireInput } from '../../src/domain/plan';
import {
  baseImagesRequestSchema,
  profilePicturesRequestSchema,
  studioRequestSchema,
  type AssetRef,
  type FlowRequest,
  type InputAssets,
} from '../../src/domain/requests';
import type { JsonObject, JsonValue } from '../../src/domain/taxonomy';
import { buildGraph } from '../../src/providers/comfyui/build-graph';
import { loadGraphLibrary } from '../../src/providers/comfyui/graph-library';
import { planGeneration, type RoutingContext } from '../../src/registry';
import { drawPicture } from '../chaos/run/draw-picture';
import type { WorkItem } from '../chaos/work/work-item';
import type { PeerCall, PeerJob } from './peer-job';

const graphs = loadGraphLibrary();
const side = 256;

/** A request with the jobs a peer gets for it. */
export interface PeerWork {
  item: WorkItem;
  jobs: PeerJob[];
}

/** The same pictures at the same endpoints with the same bodies as this service plans them, one job per picture. */
export async function planJobs(item: WorkItem, routing: RoutingContext, modal: string): Promise<PeerWork> {
  const bytes = await drawPicture('referenceImageUrl' in item.body ? 'face' : item.workId);
  const url = `data:image/png;base64,${bytes.toString('base64')}`;
  const workId = 'prompt' in item.body ? item.workId : sha256(bytes);
  const { slots } = planGeneration(flowRequestOf(item), routing, { fallbackSeed: item.seed });
  const jobs = slots.map(({ slot, candidates }) => ({
    id: `${workId}-${slot}`,
    calls: candidates.filter(isPlain).map((candidate) => toCall(candidate, url, modal)),
  }));
  return { item: { ...item, workId }, jobs };
}

/** The peers' scripts upload nothing to a pod; it is the last resort of such a request anyway. */
function isPlain({ provider, inputs }: PlannedCandidate): boolean {
  return provider !== 'comfyui' || inputs.length === 0;
}

const picture: AssetRef = { assetId: 'picture', mediaType: 'image/png', width: side, height: side };

function flowRequestOf({ flow, body, needsSource }: WorkItem): FlowRequest {
  const assets: InputAssets = {
    ...('referenceImageUrl' in body && { reference: picture }),
    ...(needsSource && { source: picture }),
  };
  switch (flow) {
    case 'base-images':
      return { flow, request: baseImagesRequestSchema.parse(body) };
    case 'profile-pictures':
      return { flow, request: profilePicturesRequestSchema.parse(body), assets };
    case 'studio': {
      const request = studioRequestSchema.parse(needsSource ? { ...body, sourceImageUrl: 'source' } : body);
      const lora = { loraId: 'demo', baseModel: 'flux', triggerWord: 'd3mo woman', strength: 1 } as const;
      return { flow, request, assets, ...(request.useLora && { lora }) };
    }
  }
}

function toCall(candidate: PlannedCandidate, url: string, modal: string): PeerCall {
  const { provider, endpoint, app = '', parameters, inputs } = candidate;
  const body: JsonObject = { ...parameters };
  for (const input of inputs) body[input.field] = inputValue(input, url);
  if (provider === 'modal') return { provider, url: `${modal}/${app}${endpoint}`, body };
  if (provider === 'fal') return { provider, endpoint, body };
  return { provider, graph: buildGraph(graphs.get(endpoint), body) };
}

function inputValue({ encoding, shape }: WireInput, url: string): JsonValue {
  const value = encoding === 'base64' ? url.slice(url.indexOf(',') + 1) : url;
  if (shape === 'list') return [value];
  return shape === 'image-url-objects' ? [{ image_url: value }] : value;
}
