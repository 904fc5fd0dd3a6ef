import type { JsonObject, JsonValue } from '../../domain/taxonomy';
import { ProviderError } from '../errors';
import { fitsParameter, placeholderPattern, type GraphFile } from './graph-file';

/**
 * The graph with every placeholder replaced. A string that is nothing but a placeholder takes the value with its type;
 * elsewhere the value becomes part of the text. What a value holds is never read as a placeholder itself.
 *
 * @param values one per parameter; those with a default may be left out. Values the graph does not use are ignored,
 * because a pod's own graph may, for example, know no negative prompt.
 * @throws ProviderError of class `auth`, code `graph_mismatch`, when a value is missing or of the wrong type.
 */
export function buildGraph(file: GraphFile, values: JsonObject): JsonObject {
  const filled: JsonObject = {};
  for (const [name, parameter] of Object.entries(file.parameters)) {
    const value = values[name] ?? parameter.default;
    if (value === undefined) throw mismatch(`needs the parameter "${name}"`);
    if (!fitsParameter(value, parameter)) throw mismatch(`needs "${name}" to be of type ${parameter.type}`);
    filled[name] = value;
  }
  return Object.fromEntries(Object.entries(file.graph).map(([id, node]) => [id, fill(node, filled)]));
}

/**
 * @throws ProviderError of class `auth`, code `graph_mismatch`, when the graph has no place for an input picture:
 * leaving out a reference or a mask would make another picture than the one asked for.
 */
export function requireInputs(file: GraphFile, fields: readonly string[]): void {
  const homeless = fields.find((field) => file.parameters[field]?.type !== 'image');
  if (homeless !== undefined) throw mismatch(`has no place for the input picture "${homeless}"`);
}

function fill(template: JsonValue, values: JsonObject): JsonValue {
  if (typeof template === 'string') return fillText(template, values);
  if (Array.isArray(template)) return template.map((item) => fill(item, values));
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, fill(value, values)]));
}

function fillText(template: string, values: JsonObject): JsonValue {
  const placeholders = [...template.matchAll(placeholderPattern)];
  const [only] = placeholders;
  if (only !== undefined && only[0] === template) return values[only[1] ?? ''] ?? null;
  return template.replace(placeholderPattern, (_placeholder, name: string) => textOf(values[name]));
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '');
}

function mismatch(problem: string): ProviderError {
  return new ProviderError(`the graph of this deployment ${problem}`, {
    provider: 'comfyui',
    code: 'graph_mismatch',
    outcome: 'nothing_sent',
  });
}
