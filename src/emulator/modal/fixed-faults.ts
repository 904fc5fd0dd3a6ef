import type { Answer } from '../answer';
import type { Fault } from '../faults';
import { simpleFaultAnswer } from '../simple-faults';
import { loraNotFound } from './check-request';
import type { ModalEndpoint } from './endpoints';
import { appStopped, caughtException, httpException, notFound } from './errors';

/** Faults that answer before any GPU work: nothing is charged. `undefined` for all others. */
export function fixedFaultAnswer(endpoint: ModalEndpoint, fault: Fault | undefined): Answer | undefined {
  switch (fault?.name) {
    case 'lora_missing':
      return loraNotFound('character-missing.safetensors');
    case 'route_missing':
      return notFound;
    case 'app_stopped':
      return appStopped;
    case 'input_as_500':
      return caughtException(endpoint, 'KeyError', `'${fault.params.field ?? 'prompt'}'`);
    case 'nodes_503':
      return caughtException(endpoint, 'HTTPException', '503: InstantID nodes not loaded', 503);
    case 'faceswap_502':
      return httpException(502, 'Face swap service failed');
    case 'plain_500':
      // The container dies while it works, so this one is a paid call that fails.
      return undefined;
    default:
      return simpleFaultAnswer('modal', fault);
  }
}
