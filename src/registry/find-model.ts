import type { ProviderName } from '../domain/taxonomy';
import { models } from './models';
import { RequestRefused } from './refusal';
import type { RefusalCode } from './refusal-codes';
import type { ModelDefinition } from './types';

/**
 * The model a request means: by id, else by endpoint, else by the name people see, which two providers may share and
 * `provider` then decides.
 *
 * @throws RequestRefused on `modelId` when nothing or more than one model has that name, on `modelProvider` when the
 * named provider does not have it.
 */
export function findModel(reference: string, provider?: ProviderName): ModelDefinition {
  const named = modelsNamed(reference);
  const matches = provider === undefined ? named : named.filter((model) => model.provider === provider);
  const [match, second] = matches;
  if (match !== undefined && second === undefined) return match;
  if (match !== undefined) throw refused('modelId', 'ambiguous_model', ambiguous(reference, matches));
  if (named.length > 0)
    throw refused('modelProvider', 'model_elsewhere', elsewhere(reference, named, provider));
  throw refused(
    'modelId',
    'unknown_model',
    `there is no model "${reference}"; GET /v1/models lists every id that can be used`,
  );
}

/** The registry's own look-up by id, for lists written in code. @throws Error when a list names a model that is gone. */
export function modelById(id: string): ModelDefinition {
  const model = models.find((candidate) => candidate.id === id);
  if (model === undefined) throw new Error(`the registry has no model with id "${id}"`);
  return model;
}

function modelsNamed(reference: string): ModelDefinition[] {
  const exact =
    models.find(({ id }) => id === reference) ?? models.find(({ backendId }) => backendId === reference);
  return exact === undefined ? models.filter(({ uiModel }) => uiModel === reference) : [exact];
}

function ambiguous(reference: string, matches: readonly ModelDefinition[]): string {
  return `more than one provider has "${reference}"; name ${listed(matches)}, or set modelProvider`;
}

function elsewhere(
  reference: string,
  named: readonly ModelDefinition[],
  provider: ProviderName | undefined,
): string {
  return `${provider ?? 'this provider'} does not have "${reference}"; it is ${listed(named)}: change modelProvider or leave it out`;
}

function listed(matches: readonly ModelDefinition[]): string {
  return matches.map(({ id }) => `"${id}"`).join(' or ');
}

function refused(field: string, code: RefusalCode, message: string): RequestRefused {
  return new RequestRefused([{ field, code, message }]);
}
