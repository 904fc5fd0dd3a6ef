import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  bundleWorkflowCode,
  DefaultLogger,
  ReplayError,
  Worker,
  type BundleOptions,
  type WorkflowBundleOption,
} from '@temporalio/worker';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { DeterminismViolationError } from '@temporalio/workflow';
import { installQuietRuntime } from '../support/quiet-runtime';
import { workflowBundle } from '../support/workflow-bundle';
import { readHistories, type RecordedHistory } from './history-file';

const workflows = require.resolve('../../src/workflows');

/** Shapes in which a deploy can find a run. */
const shapes = [
  'base-images-completed',
  'profile-pictures-completed',
  'studio-completed',
  'studio-half-done',
  'studio-waiting',
  'studio-resumed',
  'studio-cancelled',
  'studio-parked-at-watch',
  'studio-woken',
  'studio-retried-now',
  'studio-needs-decision',
  'studio-given-up',
  'studio-resubmitted',
  'studio-over-reservation',
  'studio-hedged',
  'studio-stopped',
  'studio-found',
  'studio-never-accepted',
  'studio-settling',
  'studio-settled',
  'base-images-refilled',
  'provider-watch-parked',
  'provider-watch-waking',
];

let histories: Map<string, RecordedHistory>;
let scratch: string;

beforeAll(async () => {
  installQuietRuntime();
  histories = await readHistories();
  scratch = await mkdtemp(join(tmpdir(), 'ryla-replay-'));
});
afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
});

/** The changed workflows, as a build of this project would make them. */
async function bundleOf(name: string, options: BundleOptions): Promise<WorkflowBundleOption> {
  const { code } = await bundleWorkflowCode({ logger: new DefaultLogger('ERROR'), ...options });
  const codePath = join(scratch, `${name}.js`);
  await writeFile(codePath, code);
  return { codePath };
}

/** By name of the history: why it does not go on under these workflows. */
async function brokenUnder(bundle: WorkflowBundleOption): Promise<Map<string, Error>> {
  const broken = new Map<string, Error>();
  for (const [name, recorded] of histories) {
    for await (const { error } of Worker.runReplayHistories({ workflowBundle: bundle }, [recorded])) {
      if (error !== undefined) broken.set(name, error);
    }
  }
  return broken;
}

describe('runs that were started by an earlier version', () => {
  it('go on unchanged under this one, whatever they were doing', async () => {
    expect([...histories.keys()]).toEqual(expect.arrayContaining(shapes));
    expect(await brokenUnder(workflowBundle())).toEqual(new Map());
  });

  it('are all noticed when a change makes them begin with another step', async () => {
    const changed = await bundleOf('begins-differently', {
      workflowsPath: require.resolve('./unsafe/begins-differently'),
    });

    const broken = await brokenUnder(changed);

    // A resumed run begins with a wait of its own, which the changed step looks like.
    const fresh = [...histories.keys()].filter((name) => name !== 'studio-resumed');
    expect([...broken.keys()]).toEqual(expect.arrayContaining(fresh));
    for (const error of broken.values()) expect(error).toBeInstanceOf(DeterminismViolationError);
  }, 120_000);

  it('are noticed where they wait when a change makes them wait otherwise', async () => {
    const changed = await bundleOf('waits-differently', {
      workflowsPath: workflows,
      webpackConfigHook: ({ resolve, ...config }) => {
        const changedSdk = require.resolve('./unsafe/waits-differently');
        const alias = Object.assign({}, resolve?.alias, { '@temporalio/workflow$': changedSdk });
        return { ...config, resolve: { ...resolve, alias } };
      },
    });

    const broken = await brokenUnder(changed);

    const waiting = [
      ['provider-watch-parked', DeterminismViolationError],
      // Its save in the workflow's process makes the SDK stop earlier, with an error of its own.
      ['studio-resumed', ReplayError],
    ] as const;
    for (const [name, kind] of waiting) {
      expect([name, broken.get(name)]).toEqual([name, expect.any(kind)]);
    }
    // A timer that was cancelled breaks the replay even earlier.
    expect([...broken.keys()]).toEqual(expect.arrayContaining(['studio-woken', 'studio-waiting']));
    expect([...broken.keys()]).not.toContain('studio-completed');
  }, 120_000);
});
