import { nodeClasses, type NodeClass } from './node-classes';

/** Body of `/object_info`, or of `/object_info/{class}`: empty for a class the pod does not have. */
export function objectInfo(name?: string): Record<string, unknown> {
  const classes = Object.entries(nodeClasses).filter(([known]) => name === undefined || known === name);
  return Object.fromEntries(classes.map(([known, node]) => [known, described(known, node)]));
}

function described(name: string, node: NodeClass): Record<string, unknown> {
  const inputOrder = Object.fromEntries(
    Object.entries(node.input).map(([group, inputs]) => [group, Object.keys(inputs)]),
  );
  return {
    ...node,
    input_order: inputOrder,
    output_is_list: node.output.map(() => false),
    output_name: node.output,
    name,
    display_name: name,
    description: '',
    python_module: 'nodes',
    category: 'emulated',
  };
}

const gibibyte = 1024 ** 3;

/** Body of `/system_stats`. */
export const systemStats = {
  system: {
    os: 'posix',
    ram_total: 64 * gibibyte,
    ram_free: 48 * gibibyte,
    comfyui_version: '0.3.64',
    python_version: '3.12.11',
    pytorch_version: '2.8.0',
    embedded_python: false,
    argv: ['main.py', '--listen'],
  },
  devices: [
    {
      name: 'cuda:0 emulated',
      type: 'cuda',
      index: 0,
      vram_total: 24 * gibibyte,
      vram_free: 20 * gibibyte,
      torch_vram_total: 2 * gibibyte,
      torch_vram_free: gibibyte,
    },
  ],
};
