import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProviderError } from '../errors';
import { GraphFileError, parseGraphFile, type GraphFile } from './graph-file';

export interface GraphLibrary {
  /** @throws ProviderError of class `auth`, code `graph_missing`: this deployment cannot serve that endpoint. */
  get(name: string): GraphFile;
  has(name: string): boolean;
}

const ownGraphs = join(__dirname, 'graphs');
const ending = '.json';

/**
 * Reads every graph once, when the process starts, so that a broken file stops it there and not at the first job.
 *
 * @param replacements a folder of graph files that win over ours of the same name, and may add others. Pods differ in
 * their models and nodes.
 * @throws GraphFileError when a file, or the folder, cannot be used.
 */
export function loadGraphLibrary(replacements?: string): GraphLibrary {
  const graphs = new Map(readFolder(ownGraphs));
  if (replacements !== undefined) {
    for (const [name, graph] of readFolder(replacements)) graphs.set(name, graph);
  }
  return {
    has: (name) => graphs.has(name),
    get(name) {
      const graph = graphs.get(name);
      if (graph !== undefined) return graph;
      throw new ProviderError('this deployment has no graph for the endpoint', {
        provider: 'comfyui',
        code: 'graph_missing',
        outcome: 'nothing_sent',
      });
    },
  };
}

function readFolder(folder: string): [string, GraphFile][] {
  return listFiles(folder).map((fileName) => {
    const file = join(folder, fileName);
    const expectedName = fileName.slice(0, -ending.length);
    return [expectedName, parseGraphFile(readText(file), { file, expectedName })];
  });
}

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder).filter((fileName) => fileName.endsWith(ending));
  } catch (error) {
    throw new GraphFileError(folder, 'the folder cannot be read', { cause: error });
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new GraphFileError(file, 'cannot be read', { cause: error });
  }
}
