import { jsonAnswer, type Answer } from '../http/answer';
import type { Fault } from '../faults/faults';
import type { Graph } from './graph';
import { podModels } from './node-classes';

/** The 400 of a pod that lacks a LoRA or a checkpoint. */
export function modelFault(fault: Fault | undefined): Answer | undefined {
  if (fault?.name === 'pod_400_lora') return notInList('LoraLoader', 'lora_name', podModels.loras);
  if (fault?.name !== 'pod_400_model') return undefined;
  return notInList('CheckpointLoaderSimple', 'ckpt_name', podModels.checkpoints);
}

/** Complaints about the first node of a graph. */
export function someNodeErrors(graph: Graph): Record<string, unknown> {
  const [id = '1', node] = Object.entries(graph)[0] ?? [];
  const error = {
    type: 'required_input_missing',
    message: 'Required input is missing',
    details: 'images',
    extra_info: {},
  };
  return { [id]: { errors: [error], dependent_outputs: [id], class_type: node?.class_type ?? '' } };
}

function notInList(classType: string, input: string, list: readonly string[]): Answer {
  const missing = 'missing.safetensors';
  const problem = {
    type: 'value_not_in_list',
    message: 'Value not in list',
    details: `${input}: '${missing}' not in [${list.map((item) => `'${item}'`).join(', ')}]`,
    extra_info: { input_name: input, received_value: missing },
  };
  const error = {
    type: 'prompt_outputs_failed_validation',
    message: 'Prompt outputs failed validation',
    details: '',
    extra_info: {},
  };
  const node = { errors: [problem], dependent_outputs: ['9'], class_type: classType };
  return jsonAnswer(400, { error, node_errors: { '1': node } });
}
