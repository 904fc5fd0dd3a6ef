import type { Answer } from '../http/answer';
import type { FaultName } from '../faults/fault-catalogue';
import type { Fault } from '../faults/faults';
import { simpleFaultAnswer } from '../faults/simple-faults';
import type { ModalEndpoint } from './endpoints';
import { caughtException, httpException, loraNotFound, notFound } from './errors';

const answers: Partial<Record<FaultName, (endpoint: ModalEndpoint, fault: Fault) => Answer | undefined>> = {
  lora_missing: () => loraNotFound('character-missing.safetensors'),
  route_missing: () => notFound,
  input_as_500: (endpoint, { params: { field = 'prompt' } }) =>
    caughtException(endpoint, 'KeyError', `'${field}'`),
  nodes_503: (endpoint) => caughtException(endpoint, 'HTTPException', '503: InstantID nodes not loaded'),
  model_files_missing: (endpoint) =>
    caughtException(endpoint, 'FileNotFoundError', 'SeedVR2 model files not found in /root/models/SEEDVR2'),
  faceswap_502: () => httpException(502, 'Face swap service failed'),
};

/** Faults that answer before any GPU work: nothing is charged. `undefined` for all others. */
export function fixedFaultAnswer(endpoint: ModalEndpoint, fault: Fault | undefined): Answer | undefined {
  // This one strikes a container while it works: a paid call that fails.
  if (fault === undefined || fault.name === 'plain_500') return undefined;
  return answers[fault.name]?.(endpoint, fault) ?? simpleFaultAnswer('modal', fault);
}
