import { ownId, usePodRig } from './pod-rig';
import { textJob } from './run-job';
import { failure } from './scripted-pod';

const rig = usePodRig();

describe('a run that ends badly', () => {
  it.each([
    [
      'fails in a node',
      failure('execution_error', { exception_type: 'ValueError' }),
      'transient',
      'execution_failed',
    ],
    ['is interrupted', failure('execution_interrupted', { node_id: '5' }), 'transient', 'interrupted'],
    [
      'is out of GPU memory by type',
      failure('execution_error', { exception_type: 'torch.OutOfMemoryError', exception_message: '' }),
      'capacity',
      'out_of_memory',
    ],
    [
      'is out of GPU memory by text',
      failure('execution_error', {
        exception_message: 'Allocation on device 0 would exceed allowed memory.',
      }),
      'capacity',
      'out_of_memory',
    ],
    [
      'names a model only its node looks for',
      failure('execution_error', {
        node_type: 'UpscaleModelLoader',
        exception_type: 'FileNotFoundError',
        exception_message: "Model in folder 'upscale_models' with filename '4x.pth' not found.",
      }),
      'auth',
      'model_missing',
    ],
    [
      'has a loader that words it in its own way',
      failure('execution_error', { node_type: 'PulidModelLoader', exception_type: 'FileNotFoundError' }),
      'auth',
      'model_missing',
    ],
    [
      'names a LoRA only its node looks for',
      failure('execution_error', {
        node_type: 'LoraLoaderModelOnly',
        exception_type: 'FileNotFoundError',
        exception_message: "Model in folder 'loras' with filename 'a.safetensors' not found.",
      }),
      'lora',
      'lora_missing',
    ],
    [
      'loses a file that is no model',
      failure('execution_error', { node_type: 'LoadImage', exception_type: 'FileNotFoundError' }),
      'transient',
      'execution_failed',
    ],
    [
      'finds no face in the reference',
      failure('execution_error', { exception_message: 'Reference Image: No face detected.' }),
      'input',
      'no_face_detected',
    ],
    [
      'makes nothing',
      { outputs: {}, status: { status_str: 'success', completed: true } },
      'corrupt',
      'no_output',
    ],
    [
      'makes only a preview',
      {
        outputs: { '9': { images: [{ filename: 'p.png', type: 'temp' }] } },
        status: { status_str: 'success' },
      },
      'corrupt',
      'no_output',
    ],
  ])('ends as it should when it %s', async (_name, entry, failureClass, code) => {
    const job = rig.start();
    rig.pod.end(await rig.submitted(), entry);
    await expect(job.result).rejects.toMatchObject({
      failureClass,
      code,
      certainty: 'accepted',
      endsJob: true,
    });
  });

  it('costs nothing when the pod lacks the model', async () => {
    const job = rig.start();
    const message = "Model in folder 'upscale_models' with filename '4x.pth' not found.";
    rig.pod.end(await rig.submitted(), failure('execution_error', { exception_message: message }));
    await expect(job.result).rejects.toMatchObject({ code: 'model_missing', charge: 'none' });
  });

  it('keeps the traceback and the prompt out of the error', async () => {
    const job = rig.start();
    const data = {
      exception_message: 'a red door',
      traceback: ['/opt/ComfyUI/execution.py'],
      exception_type: 'E',
    };
    rig.pod.end(await rig.submitted(), failure('execution_error', data));
    const error = (await job.result.catch((reason: unknown) => reason)) as Error;
    expect(`${error.message} ${JSON.stringify(error)}`).not.toMatch(/red door|opt/);
  });

  it('is lost, and worth another try, when the pod restarts', async () => {
    const job = rig.start();
    await rig.submitted();
    rig.pod.pending = [];
    await expect(job.result).rejects.toMatchObject({
      failureClass: 'transient',
      code: 'run_vanished',
      certainty: 'accepted',
      endsJob: true,
    });
  });

  it('is taken out of a queue that never moves', async () => {
    const job = rig.start(textJob({ deadlines: { queueSeconds: 0.3 } }));
    await rig.submitted();
    await expect(job.result).rejects.toMatchObject({
      failureClass: 'capacity',
      code: 'queue_timeout',
      certainty: 'accepted',
      charge: 'none',
    });
    expect(rig.pod.pending).toEqual([]);
  });

  it('is waited for when it begins just as it is to be taken out of the queue', async () => {
    const job = rig.start(textJob({ deadlines: { queueSeconds: 0.3 } }));
    const promptId = await rig.submitted();
    rig.pod.on('POST /queue', (_request, response) => {
      rig.pod.begin(promptId);
      response.end();
    });
    await rig.pod.reached(() => rig.pod.running.length > 0);
    rig.pod.end(promptId);
    await expect(job.result).resolves.toMatchObject({ providerRequestId: ownId });
  });

  it('is interrupted when our own time is up', async () => {
    const job = rig.start(textJob({ deadlines: { totalSeconds: 1 } }));
    rig.pod.begin(await rig.submitted());
    await expect(job.result).rejects.toMatchObject({
      failureClass: 'transient',
      code: 'deadline_exceeded',
      endsJob: true,
    });
    expect(rig.pod.interrupts).toEqual([ownId]);
  });

  it('can be collected later when our time was up and the pod could not be told to stop it', async () => {
    const job = rig.start(textJob({ deadlines: { totalSeconds: 1 } }));
    rig.pod.begin(await rig.submitted());
    rig.pod.on('POST /queue', { status: 502 });
    await expect(job.result).rejects.toMatchObject({ code: 'deadline_exceeded', endsJob: false });
  });

  it('can be collected later when the pod is out of reach for too long', async () => {
    const job = rig.start();
    await rig.submitted();
    rig.pod.on('GET /queue', { status: 502 });
    await expect(job.result).rejects.toMatchObject({
      failureClass: 'outage',
      code: 'pod_unavailable',
      certainty: 'accepted',
      endsJob: false,
    });
  });
});
