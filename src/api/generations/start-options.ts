import type { WorkflowOptions } from '@temporalio/client';
import { pendingSlot, providersOf, type GenerationInput } from '../../domain/generation';
import { priorityOf } from '../../domain/priority';
import type { FlowRequest } from '../../domain/requests';
import {
  characterIdAttribute,
  flowAttribute,
  nsfwAttribute,
  providerAttribute,
} from '../../domain/search-attributes';
import { workflowIdOf } from '../../domain/workflow-id';

/** The workflow function of each flow. */
export const workflowTypes = {
  'base-images': 'baseImages',
  'profile-pictures': 'profilePictures',
  studio: 'studioGeneration',
} as const satisfies Record<FlowRequest['flow'], string>;

/** How a generation's workflow is started: its id, and all that makes it readable in the Temporal UI. */
export function startOptions(
  input: GenerationInput,
  taskQueue: string,
): WorkflowOptions & { args: [GenerationInput] } {
  const { caller, characterId, generationId, nsfw, flowRequest, plan } = input;
  const { flow } = flowRequest;
  return {
    workflowId: workflowIdOf({ flow, characterId, generationId }),
    taskQueue,
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    args: [input],
    priority: priorityOf(flow, caller),
    staticSummary: [flow, ...highlights(flowRequest), ...(nsfw ? ['nsfw'] : []), characterId].join(' · '),
    staticDetails: detailLines(flowRequest).join('\n'),
    typedSearchAttributes: [
      { key: flowAttribute, value: flow },
      { key: characterIdAttribute, value: characterId },
      { key: nsfwAttribute, value: nsfw },
      { key: providerAttribute, value: providersOf(plan.slots.map(pendingSlot)) },
    ],
  };
}

function highlights(flowRequest: FlowRequest): string[] {
  if (flowRequest.flow === 'base-images') return ['6 pictures'];
  if (flowRequest.flow === 'profile-pictures') {
    const { set, mode, count } = flowRequest.request;
    return [set, mode, ...(count === undefined ? [] : [pictures(count)])];
  }
  return [flowRequest.request.mode, pictures(flowRequest.request.count)];
}

function pictures(count: number): string {
  return count === 1 ? '1 picture' : `${count} pictures`;
}

/** Prompts may be private, and are in the workflow's input anyway. */
const leftOut = new Set(['prompt', 'negativePrompt']);

function detailLines({ flow, request }: FlowRequest): string[] {
  const settings = Object.entries(request).filter(([name]) => !leftOut.has(name));
  return [`- **flow**: ${flow}`, ...settings.map(([name, value]) => `- **${name}**: ${String(value)}`)];
}
