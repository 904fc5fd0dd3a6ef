import { createComfyUiClient } from '../../../src/providers/comfyui/client';
import type { ProviderClient } from '../../../src/providers/types';
import { comfyUiPolicy } from '../../../src/registry/policies';
import { createProviderHealth } from '../../../src/worker/provider-health/provider-health';
import { runProgram, type Program } from '../../support/program';
import { waitUntil } from '../../support/wait-until';
import { RecordingDispatch } from '../support/recording-dispatch';
import { startJob, textJob } from './run-job';

/** A pod in a process of its own, which can be frozen as a real one is: its sockets keep what nobody reads. */
let program: Program;
let client: ProviderClient;
let control: string;
const anyTime: unknown = expect.stringMatching(/^\d{4}-.*Z$/);

beforeAll(async () => {
  program = runProgram('emulator/main.ts', [], {
    EMULATOR_CONTROL_PORT: '0',
    EMULATOR_MODAL_PORT: '0',
    EMULATOR_FAL_PORT: '0',
    EMULATOR_COMFYUI_PORT: '0',
    EMULATOR_TIME_SCALE: '1',
    EMULATOR_LOG_LEVEL: 'silent',
  });
  await program.until('\n');
  const urls = JSON.parse(program.stdout()) as { control: string; comfyui: string };
  ({ control } = urls);
  client = createComfyUiClient({ baseUrl: urls.comfyui });
});
beforeEach(async () => {
  await fetch(`${control}/control/reset`, { method: 'POST' });
});
afterEach(() => {
  program.thaw();
});
afterAll(async () => {
  await program.interrupt();
});

async function change(settings: object): Promise<void> {
  await fetch(`${control}/control/settings`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(settings),
  });
}

async function outcomes(): Promise<string[]> {
  const journal = (await (await fetch(`${control}/control/journal`)).json()) as {
    entries: { outcome: string }[];
  };
  return journal.entries.map(({ outcome }) => outcome);
}

describe('a pod that takes connections and answers nothing', () => {
  const short = { firstByteSeconds: 1 };
  const silence = { failureClass: 'outage', code: 'pod_silent', endsJob: false };

  it('is shown, then left, and gives the picture when it goes on', async () => {
    await change({ fixedLatencySeconds: 4 });
    const job = startJob(client, textJob({ deadlines: short }));
    await job.progressed(({ phase }) => phase === 'running');
    program.freeze();
    await job.progressed(({ silentSince }) => silentSince !== undefined);
    await expect(job.result).rejects.toMatchObject({ ...silence, certainty: 'accepted' });
    expect(job.progress.at(-1)).toMatchObject({ phase: 'running', silentSince: anyTime });

    program.thaw();
    const dispatch = new RecordingDispatch(job.dispatch.state);
    await expect(startJob(client, textJob(), { dispatch }).result).resolves.toBeDefined();
    expect(await outcomes()).toEqual(['succeeded']);
  });

  it('is left before anything is sent to it', async () => {
    program.freeze();
    const job = startJob(client, textJob({ deadlines: short }));
    await expect(job.result).rejects.toMatchObject({ ...silence, certainty: 'not_sent' });
    expect(job.dispatch.notes).toEqual([]);
  });

  it('is known to be out within half a minute, with the limits of the registry and one call under way', async () => {
    await change({ fixedLatencySeconds: 1000 });
    const asked: Promise<boolean>[] = [];
    const health = createProviderHealth({
      list: () => Promise.resolve([]),
      pauses: { pause: () => Promise.resolve(), pauses: () => Promise.resolve([]) },
      // What the watch does with a doubt; see `test/workflows/provider-watch.test.ts`.
      watches: {
        reportOutage: (_provider, { isDoubt }) => {
          expect(isDoubt).toBe(true);
          asked.push(
            client.checkHealth({ signal: new AbortController().signal }).then(({ healthy }) => healthy),
          );
          return Promise.resolve();
        },
      },
      logger: { warn: () => undefined },
    });
    const job = startJob(client, textJob({ deadlines: comfyUiPolicy.http }));
    await job.progressed(({ phase }) => phase === 'running');
    const frozenAt = Date.now();
    program.freeze();
    const failure = await job.result.catch((error: unknown) => error);
    health.failed('comfyui', failure as Parameters<typeof health.failed>[1]);
    expect(await Promise.all(asked)).toEqual([false]);
    expect(Date.now() - frozenAt).toBeLessThan(28_000);
  });
});

describe('a job that is cancelled while its pod is frozen', () => {
  const cannotTell = [{ kind: 'cannot_tell' }];

  it('is interrupted when the pod goes on', async () => {
    await change({ fixedLatencySeconds: 60 });
    const job = startJob(client, textJob());
    await job.progressed(({ phase }) => phase === 'running');
    program.freeze();
    const cancelledAt = Date.now();
    job.controller.abort(new Error('cancelled by the user'));
    await expect(job.result).rejects.toThrow('cancelled by the user');
    expect(job.stopped).toMatchObject(cannotTell);
    expect(Date.now() - cancelledAt).toBeLessThan(10_000);

    program.thaw();
    await waitUntil(async () => (await outcomes())[0] === 'cancelled');
  });

  it('is taken out of the queue when the pod goes on, and the one before it is not interrupted', async () => {
    await change({ fixedLatencySeconds: 8 });
    const first = startJob(client, textJob({ jobKey: 'first' }));
    await first.progressed(({ phase }) => phase === 'running');
    const second = startJob(client, textJob({ jobKey: 'second' }));
    await second.dispatch.reached('accepted');
    program.freeze();
    second.controller.abort(new Error('cancelled by the user'));
    await expect(second.result).rejects.toThrow('cancelled by the user');
    expect(second.stopped).toMatchObject(cannotTell);

    program.thaw();
    await waitUntil(async () => (await outcomes()).join() === 'succeeded,cancelled');
  });
});
