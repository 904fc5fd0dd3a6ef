import type { WireInput } from '../../domain/plan';
import type { JsonObject } from '../../domain/taxonomy';
import { withInputs } from '../input-values';
import type { MediaStore } from '../../domain/media';
import type { CallProgress, ProviderJob } from '../types';
import { buildGraph, requireInputs } from './build-graph';
import type { GraphFile } from './graph-file';
import type { Pod } from './pod';

export interface FillGraphOptions {
  graph: GraphFile;
  job: Pick<ProviderJob, 'parameters' | 'inputs'>;
  media: MediaStore;
  pod: Pod;
  onProgress: (progress: CallProgress) => void;
}

/**
 * Uploads a job's pictures and puts their names and the job's parameters into the graph.
 *
 * @throws ProviderError `graph_mismatch`, before anything is uploaded where that can be told.
 */
export async function fillGraph({
  graph,
  job,
  media,
  pod,
  onProgress,
}: FillGraphOptions): Promise<JsonObject> {
  const { parameters, inputs } = job;
  const fields = inputs.map(({ field }) => field);
  requireInputs(graph, fields);
  if (inputs.length > 0) onProgress({ phase: 'uploading' });
  const values = await withInputs(parameters, inputs, async (input) => await upload(input, media, pod));
  return buildGraph(graph, values);
}

async function upload({ assetId }: WireInput, media: MediaStore, pod: Pod): Promise<string> {
  const { stream, mediaType, bytes } = await media.open(assetId);
  try {
    // Named after its content: to overwrite it is to write the same again, also for two jobs at once.
    const fileName = `${assetId}.${mediaType.split('/')[1] ?? 'bin'}`;
    return await pod.upload({ fileName, mediaType, stream, bytes });
  } finally {
    stream.destroy();
  }
}
