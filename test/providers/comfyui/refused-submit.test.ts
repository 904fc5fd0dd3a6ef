import { ownId, usePodRig } from './pod-rig';
import { textJob } from './run-job';

const rig = usePodRig();

const nodeError = (class_type: string, type: string, input_name: string): object => ({
  '1': {
    class_type,
    errors: [{ type, message: '', details: '', extra_info: { input_name } }],
    dependent_outputs: [],
  },
});

describe('a submit that is refused', () => {
  const validation = { type: 'prompt_outputs_failed_validation', message: '', details: '', extra_info: {} };
  it.each([
    ['lora', 'lora_missing', validation, nodeError('LoraLoader', 'value_not_in_list', 'lora_name')],
    [
      'auth',
      'model_missing',
      validation,
      nodeError('CheckpointLoaderSimple', 'value_not_in_list', 'ckpt_name'),
    ],
    ['auth', 'node_missing', { type: 'missing_node_type' }, {}],
    ['auth', 'node_missing', { type: 'invalid_prompt' }, []],
    ['transient', 'upload_lost', validation, nodeError('LoadImage', 'custom_validation_failed', 'image')],
    ['input', 'graph_refused', validation, nodeError('KSampler', 'value_bigger_than_max', 'steps')],
    ['input', 'graph_refused', { type: 'prompt_no_outputs' }, {}],
  ])('ends as %s (%s)', async (failureClass, code, error, node_errors) => {
    rig.pod.on('POST /prompt', { status: 400, body: { error, node_errors } });
    await expect(rig.start().result).rejects.toMatchObject({
      failureClass,
      code,
      certainty: 'not_sent',
      status: 400,
    });
  });

  it('takes out what was queued all the same when a 200 holds node errors', async () => {
    rig.pod.on('POST /prompt', (_request, response) => {
      rig.pod.pending.push(ownId);
      const node_errors = nodeError('CheckpointLoaderSimple', 'value_not_in_list', 'ckpt_name');
      response.end(JSON.stringify({ prompt_id: ownId, number: 1, node_errors }));
    });
    await expect(rig.start().result).rejects.toMatchObject({ failureClass: 'auth', code: 'model_missing' });
    expect(rig.pod.pending).toEqual([]);
  });
});

describe('a job the graph has no place for', () => {
  it('is never sent with its reference left out', async () => {
    const inputs = [
      {
        field: 'reference_image',
        assetId: 'f'.repeat(64),
        mediaType: 'image/png',
        encoding: 'upload',
        shape: 'value',
      } as const,
    ];
    const job = rig.start(textJob({ inputs }));
    await expect(job.result).rejects.toMatchObject({
      failureClass: 'auth',
      code: 'graph_mismatch',
      certainty: 'not_sent',
    });
    expect(rig.pod.requests.filter((request) => request.startsWith('POST'))).toEqual([]);
    expect(job.dispatch.notes).toEqual([]);
  });
});
