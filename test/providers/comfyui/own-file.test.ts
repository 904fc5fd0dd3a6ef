import { parseGraphFile } from '../../../src/providers/comfyui/graph-file';
import { nameAfterRun, ownFile } from '../../../src/providers/comfyui/own-file';

function graphWith(node: { class_type: string; inputs: Record<string, unknown> }) {
  const content = {
    name: 'own',
    description: 'A graph of a pod.',
    parameters: {},
    outputNode: '9',
    graph: { '9': node },
  };
  return parseGraphFile(JSON.stringify(content), { file: 'own.json', expectedName: 'own' });
}

function prefixIn(graph: ReturnType<typeof nameAfterRun>): unknown {
  return (graph['9'] as { inputs: Record<string, unknown> }).inputs['filename_prefix'];
}

describe('the file of a run', () => {
  it.each([
    ['SaveImage', 'ryla', { filename: 'ryla-run_00001_.png', subfolder: '', type: 'output' }],
    ['SaveImage', 'a/b/ryla', { filename: 'ryla-run_00001_.png', subfolder: 'a/b', type: 'output' }],
    ['SaveAnimatedWEBP', 'clip', { filename: 'clip-run_00001_.webp', subfolder: '', type: 'output' }],
  ])('of %s under "%s" is named after it, so that it can be asked for', (class_type, prefix, expected) => {
    const file = graphWith({ class_type, inputs: { filename_prefix: prefix } });

    expect(ownFile(file, 'run')).toEqual(expected);
    expect(prefixIn(nameAfterRun(file.graph, file, 'run'))).toBe(`${prefix}-run`);
  });

  it.each([
    ['a node whose names we do not know', 'VHS_VideoCombine', 'ryla'],
    ['a name with the date in it', 'SaveImage', '%date:yyyy-MM-dd%/ryla'],
  ])('of %s is left as it is', (_case, class_type, prefix) => {
    const file = graphWith({ class_type, inputs: { filename_prefix: prefix } });

    expect(ownFile(file, 'run')).toBeUndefined();
    expect(nameAfterRun(file.graph, file, 'run')).toBe(file.graph);
  });
});
