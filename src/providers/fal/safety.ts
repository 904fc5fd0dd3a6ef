import type { JsonObject } from '../../domain/taxonomy';
import { ProviderError } from '../errors';

/**
 * The last guard before Fal, whatever routing decided: nothing leaves with the safety checker off, and it is on in
 * words wherever the endpoint has it.
 *
 * @throws ProviderError of class `policy`, before anything was sent.
 */
export function withSafetyChecker(parameters: JsonObject): JsonObject {
  if (!('enable_safety_checker' in parameters)) return parameters;
  if (parameters['enable_safety_checker'] === true) return parameters;
  throw new ProviderError('Fal is never called without its safety checker; NSFW work belongs elsewhere', {
    provider: 'fal',
    code: 'safety_checker_off',
    outcome: 'nothing_sent',
  });
}
