import { sha256 } from '../pictures/fingerprint';
import type { Graph } from './graph';
import type { PodFiles } from './pod-files';

/** An uploaded picture a graph loads. */
export interface LoadedFile {
  /** As the graph names it. */
  name: string;
  sha256: string;
  bytes: number;
}

/** The uploaded pictures a graph loads. */
export function loadedFiles(graph: Graph, files: PodFiles): LoadedFile[] {
  const names = Object.values(graph)
    .filter(({ class_type: type }) => type === 'LoadImage' || type === 'LoadImageMask')
    .map(({ inputs }) => String(inputs['image']));
  return [...new Set(names)].flatMap((name) => {
    const file = files.input(name);
    if (file === undefined) return [];
    return [{ name, sha256: sha256(file.bytes), bytes: file.bytes.length }];
  });
}

/** What of a graph decides its picture: uploads count by what is in them, and the name of the result does not count. */
export function pictureGraph(graph: Graph, files: readonly LoadedFile[]): Graph {
  const named = Object.entries(graph).map(([id, node]) => {
    const inputs = { ...node.inputs };
    delete inputs['filename_prefix'];
    const file = files.find(({ name }) => name === inputs['image']);
    return [
      id,
      { ...node, inputs: { ...inputs, ...(file !== undefined && { image: file.sha256 }) } },
    ] as const;
  });
  return Object.fromEntries(named);
}
