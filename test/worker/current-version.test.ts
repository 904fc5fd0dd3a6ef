import { NativeConnection, Worker } from '@temporalio/worker';
import { providerTaskQueue } from '../../src/domain/task-queues';
import {
  currentBuildId,
  setCurrentVersion,
  setUnversionedCurrent,
} from '../../src/worker/versions/current-version';
import { deploymentOptions, workerVersion } from '../../src/worker/versions/worker-deployment';
import * as workflows from '../../src/workflows';
import { installQuietRuntime } from '../support/quiet-runtime';
import { startTemporalServer, type TemporalTestServer } from '../support/temporal';

const taskQueue = 'deployed';
const [modal, fal, comfyui] = (['modal', 'fal', 'comfyui'] as const).map((name) =>
  providerTaskQueue(taskQueue, name),
);

let server: TemporalTestServer;
let connection: NativeConnection;

beforeAll(async () => {
  installQuietRuntime();
  server = await startTemporalServer();
  connection = await NativeConnection.connect({ address: server.address });
});
afterAll(async () => {
  await connection.close();
  await server.stop();
});

/** Workers of this version on these queues, for as long as `work` takes. */
async function withWorkers(buildId: string, queues: string[], work: () => Promise<void>): Promise<void> {
  const version = { deploymentName: taskQueue, buildId };
  const workers = await Promise.all(
    queues.map((queue) =>
      Worker.create({
        connection,
        taskQueue: queue,
        workerDeploymentOptions: deploymentOptions(version),
        activities: { nothing: () => Promise.resolve() },
      }),
    ),
  );
  const running = workers.map((worker) => worker.run());
  try {
    await work();
  } finally {
    for (const worker of workers) worker.shutdown();
    await Promise.all(running);
  }
}

const target = () => ({ connection, namespace: server.namespace });
const version = { deploymentName: taskQueue, buildId: 'v1' };

describe('a server that lets the first call hang', () => {
  it.each([1, 4])('is asked again after gRPC status %d, and given five seconds each time', async (code) => {
    const limitsMs: number[] = [];
    const timeout = Object.assign(new Error('Timeout expired'), {
      code,
      details: 'Timeout expired',
      metadata: {},
    });
    const describeWorkerDeploymentVersion = jest
      .fn()
      .mockRejectedValueOnce(timeout)
      .mockResolvedValue({ versionTaskQueues: [taskQueue, modal, fal, comfyui].map((name) => ({ name })) });
    const setWorkerDeploymentCurrentVersion = jest.fn().mockResolvedValue({});
    const slow = {
      workflowService: { describeWorkerDeploymentVersion, setWorkerDeploymentCurrentVersion },
      withDeadline: (deadline: number, call: () => Promise<unknown>) => {
        limitsMs.push(deadline - Date.now());
        return call();
      },
    } as unknown as NativeConnection;

    await setCurrentVersion({ connection: slow, namespace: 'default' }, version, { timeoutMs: 10_000 });

    expect(describeWorkerDeploymentVersion).toHaveBeenCalledTimes(2);
    expect(setWorkerDeploymentCurrentVersion).toHaveBeenCalledTimes(1);
    for (const limitMs of limitsMs) expect(Math.abs(limitMs - 5_000)).toBeLessThan(100);
  });
});

describe('the current version', () => {
  it('is none before the first deploy', async () => {
    expect(await currentBuildId(target(), taskQueue)).toBeUndefined();
  });

  it('is not one that lacks workers of a provider: calls there would wait for ever', async () => {
    await withWorkers('v1', [taskQueue, modal!, fal!], async () => {
      await expect(setCurrentVersion(target(), version, { timeoutMs: 3_000 })).rejects.toThrow(
        `none of its workers has polled ${comfyui!}`,
      );
    });
    expect(await currentBuildId(target(), taskQueue)).toBeUndefined();
  });

  it('is a version once its workers poll every queue, and may be set again', async () => {
    await withWorkers('v1', [taskQueue, modal!, fal!, comfyui!], async () => {
      await setCurrentVersion(target(), version, { timeoutMs: 20_000 });
      await setCurrentVersion(target(), version, { timeoutMs: 20_000 });
    });

    expect(await currentBuildId(target(), taskQueue)).toBe('v1');
  });

  it('never becomes one nobody runs', async () => {
    await expect(
      setCurrentVersion(target(), { ...version, buildId: 'v9' }, { timeoutMs: 1_000 }),
    ).rejects.toThrow('version v9 of deployed could not be made the current version');
    expect(await currentBuildId(target(), taskQueue)).toBe('v1');
  });

  it('can be given up for workers without one', async () => {
    await setUnversionedCurrent(target(), taskQueue);

    expect(await currentBuildId(target(), taskQueue)).toBeUndefined();
  });
});

describe("a worker's version", () => {
  const code = 'export const flow = 1;\n';

  it('is the same for the same workflow code, wherever it was built', () => {
    const here = workerVersion('q', {
      buildId: undefined,
      workflowCode: `${code}//# sourceMappingURL=data:/here`,
    });
    const there = workerVersion('q', {
      buildId: undefined,
      workflowCode: `${code}//# sourceMappingURL=data:/there`,
    });

    expect(here).toEqual(there);
    expect(here).not.toEqual(workerVersion('q', { buildId: undefined, workflowCode: 'other' }));
  });

  it("is the operator's own name where he gives one", () => {
    expect(workerVersion('q', { buildId: 'release-7', workflowCode: code })).toEqual({
      deploymentName: 'q',
      buildId: 'release-7',
    });
  });

  it('is no matter of the workflows: the server would take none of their steps from a worker without one', () => {
    for (const workflow of Object.values(workflows)) {
      expect(workflow).not.toHaveProperty('workflowDefinitionOptions');
    }
  });
});
