import { isRecord } from '../http/describe-body';

export interface GraphNode {
  class_type: string;
  inputs: Record<string, unknown>;
}
export type Graph = Record<string, GraphNode>;

/** `[node id, output index]` when the value is a link to another node. */
export function linkOf(value: unknown): [string, number] | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [id, index] = value as unknown[];
  return typeof id === 'string' && typeof index === 'number' ? [id, index] : undefined;
}

/** A node of the graph an API client sent; `undefined` when it is none. */
export function asNode(value: unknown): GraphNode | undefined {
  if (!isRecord(value) || typeof value['class_type'] !== 'string') return undefined;
  const inputs = isRecord(value['inputs']) ? value['inputs'] : {};
  return { class_type: value['class_type'], inputs };
}

/** Ids of everything the outputs depend on, dependencies first. */
export function executionOrder(graph: Graph, outputs: readonly string[]): string[] {
  const order: string[] = [];
  const visit = (id: string): void => {
    const node = graph[id];
    if (node === undefined || order.includes(id)) return;
    for (const value of Object.values(node.inputs)) {
      const link = linkOf(value);
      if (link !== undefined) visit(link[0]);
    }
    order.push(id);
  };
  outputs.forEach(visit);
  return order;
}

/** The flow a graph amounts to: what the journal calls its endpoint, and what its duration follows. */
export function flowOf(graph: Graph): string {
  const classes = new Set(Object.values(graph).map((node) => node.class_type));
  if (classes.has('ApplyInstantID')) return 'sdxl-instantid';
  if (classes.has('VAEEncodeForInpaint') || classes.has('SetLatentNoiseMask')) return 'sdxl-inpaint';
  if (classes.has('VAEEncode')) return 'sdxl-image-to-image';
  if (classes.has('KSampler')) return 'sdxl-text-to-image';
  return classes.has('ImageUpscaleWithModel') ? 'upscale-4x' : 'custom-graph';
}
