import { z } from 'zod';
import type { JsonObject, JsonValue } from '../../domain/taxonomy';

/** Thrown when a graph file cannot be used; the message names the file and the problem. */
export class GraphFileError extends Error {
  override readonly name = 'GraphFileError';

  constructor(file: string, problem: string, options?: { cause?: unknown }) {
    super(`ComfyUI graph ${file}: ${problem}`, options);
  }
}

const parameterSchema = z.strictObject({
  /** `image`: the name of an uploaded picture. */
  type: z.enum(['string', 'integer', 'number', 'image']),
  description: z.string().min(1),
  /** Makes the parameter optional. */
  default: z.union([z.string(), z.number()]).optional(),
});
export type GraphParameter = z.infer<typeof parameterSchema>;

const nodeSchema = z.looseObject({
  class_type: z.string().min(1),
  inputs: z.record(z.string(), z.json()),
});

const graphFileSchema = z.strictObject({
  name: z.string().min(1),
  description: z.string().min(1),
  parameters: z.record(z.string(), parameterSchema),
  /** In the server's API format, with `{{parameter}}` where a value goes. */
  graph: z.record(z.string(), nodeSchema),
  /** The node whose files are the result. */
  outputNode: z.string().min(1),
});

/** A graph with its parameters, ready to be filled in. */
export interface GraphFile {
  name: string;
  parameters: Readonly<Record<string, GraphParameter>>;
  graph: JsonObject;
  outputNode: string;
}

/** `{{name}}`, also with blanks inside. */
export const placeholderPattern = /\{\{\s*(\w+)\s*\}\}/g;

/**
 * Reads one graph file and checks that it holds together.
 *
 * @param file shown in errors.
 * @param expectedName the file's name without its ending: a graph must say the same.
 * @throws GraphFileError
 */
export function parseGraphFile(
  content: string,
  { file, expectedName }: { file: string; expectedName: string },
): GraphFile {
  const parsed = graphFileSchema.safeParse(parseJson(content, file));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new GraphFileError(file, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is malformed'}`);
  }
  const { name, parameters, graph, outputNode } = parsed.data;
  if (name !== expectedName) throw new GraphFileError(file, `name: is "${name}", expected "${expectedName}"`);
  if (graph[outputNode] === undefined)
    throw new GraphFileError(file, `outputNode: there is no node "${outputNode}"`);
  const problem = linkProblem(graph) ?? placeholderProblem(graph, parameters) ?? defaultProblem(parameters);
  if (problem !== undefined) throw new GraphFileError(file, problem);
  return { name, parameters, graph: graph as JsonObject, outputNode };
}

function parseJson(content: string, file: string): unknown {
  try {
    return JSON.parse(content) as unknown;
  } catch (error) {
    throw new GraphFileError(file, 'is no JSON', { cause: error });
  }
}

type Graph = z.infer<typeof graphFileSchema>['graph'];

/** `["4", 0]` means output 0 of node 4. */
function linkProblem(graph: Graph): string | undefined {
  for (const [id, { inputs }] of Object.entries(graph)) {
    for (const [input, value] of Object.entries(inputs)) {
      if (!isLink(value) || graph[value[0]] !== undefined) continue;
      return `graph.${id}.inputs.${input}: there is no node "${value[0]}"`;
    }
  }
  return undefined;
}

function isLink(value: JsonValue): value is [string, number] {
  return (
    Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && typeof value[1] === 'number'
  );
}

function placeholderProblem(graph: Graph, parameters: GraphFile['parameters']): string | undefined {
  const used = new Set([...JSON.stringify(graph).matchAll(placeholderPattern)].map(([, name]) => name ?? ''));
  const undeclared = [...used].find((name) => !Object.hasOwn(parameters, name));
  if (undeclared !== undefined) return `graph: uses {{${undeclared}}}, which is not among the parameters`;
  const unused = Object.keys(parameters).find((name) => !used.has(name));
  return unused === undefined ? undefined : `parameters.${unused}: is not used in the graph`;
}

function defaultProblem(parameters: GraphFile['parameters']): string | undefined {
  const wrong = Object.entries(parameters).find(
    ([, parameter]) => parameter.default !== undefined && !fitsParameter(parameter.default, parameter),
  );
  return wrong === undefined ? undefined : `parameters.${wrong[0]}.default: is no ${wrong[1].type}`;
}

/** Whether a value is of a parameter's type. */
export function fitsParameter(value: JsonValue, { type }: GraphParameter): boolean {
  if (type === 'integer') return Number.isInteger(value);
  return type === 'number' ? Number.isFinite(value) : typeof value === 'string';
}
