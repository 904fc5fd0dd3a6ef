import type { JsonObject, JsonValue } from '../../domain/taxonomy';
import type { GraphFile } from './graph-file';
import type { OutputFile } from './wire';

/** Ending by class of save node; both name their first file `<prefix>_00001_.<ending>` (ComfyUI's own `nodes`). */
const endings: Readonly<Record<string, string>> = { SaveImage: 'png', SaveAnimatedWEBP: 'webp' };

/** `%date%` and the like, and our own placeholders: the name could not be told afterwards. */
const changingPart = /%|\{\{/;

/** The save node of a graph, where the name it gives its first file can be told in advance. */
interface SaveNode {
  prefix: string;
  ending: string;
}

/**
 * Puts the run's id into the name of the file it saves: the pod's history dies with its process, the file does not, so
 * that a run which had finished is found after a restart and not paid for again.
 */
export function nameAfterRun(graph: JsonObject, file: GraphFile, promptId: string): JsonObject {
  const save = saveNodeOf(file);
  const node = graph[file.outputNode];
  if (save === undefined || !isObject(node) || !isObject(node['inputs'])) return graph;
  const inputs = { ...node['inputs'], filename_prefix: ownPrefix(save, promptId) };
  return { ...graph, [file.outputNode]: { ...node, inputs } };
}

/** The first file of a run, as {@link nameAfterRun} named it; `undefined` for a graph that names its files otherwise. */
export function ownFile(file: GraphFile, promptId: string): OutputFile | undefined {
  const save = saveNodeOf(file);
  if (save === undefined) return undefined;
  const path = `${ownPrefix(save, promptId)}_00001_.${save.ending}`.split('/');
  return { filename: path.at(-1) ?? '', subfolder: path.slice(0, -1).join('/'), type: 'output' };
}

function ownPrefix({ prefix }: SaveNode, promptId: string): string {
  return `${prefix}-${promptId}`;
}

function saveNodeOf({ graph, outputNode }: GraphFile): SaveNode | undefined {
  const node = graph[outputNode];
  if (!isObject(node) || !isObject(node['inputs'])) return undefined;
  const { class_type: kind } = node;
  const ending = typeof kind === 'string' ? endings[kind] : undefined;
  const prefix = node['inputs']['filename_prefix'];
  if (ending === undefined || typeof prefix !== 'string' || changingPart.test(prefix)) return undefined;
  return { prefix, ending };
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
