import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import type { GenerationState } from '../../src/domain/generation';
import type { StoredAsset } from '../../src/domain/stored-asset';
import { failing, FakeProvider, inTurn, picture, type Answer } from '../support/fake-provider';
import { baseImages, profilePictures, studio } from '../support/flow-requests';
import type { GenerationHarness } from '../support/generation-harness';
import { waitUntil } from '../support/wait-until';
import { useHarness } from '../support/use-harness';

const harness = useHarness();

const ok: Answer = (job) => Promise.resolve(picture(job));
/** Bits that are alike for one motif, and far apart for two. */
const hashOf = (motif: string) =>
  Array.from(createHash('sha256').update(motif).digest().subarray(0, 8), (byte) =>
    byte.toString(2).padStart(8, '0'),
  ).join('');

/** A picture of its own bytes that shows this motif. */
function showing(motif: string): Answer {
  return (job) => {
    const [asset] = picture(job).assets;
    return Promise.resolve({ assets: [{ ...asset, perceptualHash: hashOf(motif) }] });
  };
}

const blank = failing('media_blank', { outcome: 'useless' });

async function run(providers: FakeProvider[], request: Parameters<GenerationHarness['start']>[0]) {
  return await harness.withProviders(providers, async (): Promise<GenerationState> => {
    const handle = await harness.start(request);
    return await handle.result();
  });
}

const seedsOf = ({ jobs }: FakeProvider) => jobs.map(({ parameters }) => parameters['seed']);

describe('a picture of no use', () => {
  it('is made again with a seed no other slot has, when it is blank', async () => {
    const modal = new FakeProvider('modal', inTurn(blank, ok));

    const { status, slots } = await run([modal], studio({ seed: 7 }));

    expect(status).toBe('completed');
    expect(seedsOf(modal)).toEqual([7, 7 + 7919]);
    expect(slots[0]?.seed).toBe(7 + 7919);
    expect(slots[0]?.attempts).toMatchObject([
      { outcome: 'failed', errorCode: 'media_blank', costUsd: 0.020054 },
      { outcome: 'succeeded' },
    ]);
  });

  it('is made again when it looks like another one of the set, and paid for both times', async () => {
    const modal = new FakeProvider('modal', (job, call, context) =>
      showing(call <= 2 ? 'a woman at a window' : `motif ${call}`)(job, call, context),
    );

    const { status, slots, costUsd } = await run([modal], studio({ count: 2 }));

    expect(status).toBe('completed');
    expect(modal.jobs).toHaveLength(3);
    expect(costUsd).toBeCloseTo(3 * 0.020054);
    const made = slots.flatMap(({ attempts }) => attempts);
    expect(made.filter(({ errorCode }) => errorCode === 'duplicate')).toMatchObject([
      { outcome: 'failed', errorClass: 'corrupt' },
    ]);
  });

  it('ends its slot when no refill is left and nobody else may be asked, though the provider is well', async () => {
    const modal = new FakeProvider('modal', blank);

    const { slots } = await run([modal], studio({ strict: true, modelId: 'modal-flux-dev', maxRefills: 1 }));

    expect(modal.jobs).toHaveLength(2);
    expect(slots[0]).toMatchObject({ status: 'failed', error: { code: 'corrupt' } });
    expect(slots[0]?.error?.message).toContain('no refill is left');
  });

  it.each(['media_blank', 'media_not_media'] as const)(
    'is made at the next provider where the job allows no refill: %s',
    async (code) => {
      const bad = failing(code, { outcome: 'useless' });
      const modal = new FakeProvider('modal', bad);
      const fal = new FakeProvider('fal', ok);

      const { slots } = await run([modal, fal], studio({ maxRefills: 0 }));

      expect([modal.jobs.length, fal.jobs.length]).toEqual([1, 1]);
      expect(slots[0]).toMatchObject({ status: 'completed', provider: 'fal' });
    },
  );

  it('is not asked of the same provider again while the slot waits for another one', async () => {
    const modal = new FakeProvider('modal', blank);
    const away = failing('connection_refused', { provider: 'fal' });
    const fal = new FakeProvider('fal', inTurn(away, away, away, ok));

    const { slots } = await run([modal, fal], studio({ maxRefills: 0 }));

    expect(modal.jobs).toHaveLength(1);
    expect(slots[0]).toMatchObject({ status: 'completed', provider: 'fal' });
  });

  it('fails its slot as a duplicate when no refill is left', async () => {
    const modal = new FakeProvider('modal', showing('a woman at a window'));

    const { status, slots } = await run([modal], studio({ count: 2, maxRefills: 0 }));

    expect(status).toBe('partial');
    const failed = slots.find(({ error }) => error !== undefined);
    expect(failed?.error?.code).toBe('duplicate');
    expect(failed?.error?.message).toMatch(/the same as that of slot [12]/);
  });

  it('may look like its sister in a mode that keeps its source, but is never the very same bytes', async () => {
    const source = { assetId: 'e'.repeat(64), mediaType: 'image/jpeg', width: 1024, height: 1024 };
    const request = (fields: object) =>
      studio(
        { mode: 'variations', count: 2, sourceImageUrl: `/v1/assets/${source.assetId}`, ...fields },
        { assets: { source } },
      );
    const alike = await run([new FakeProvider('modal', showing('one motif'))], request({}));
    expect(alike.status).toBe('completed');

    const same: StoredAsset = { assetId: 'a'.repeat(64), mediaType: 'image/jpeg', bytes: 1 };
    const cached = new FakeProvider('modal', () => Promise.resolve({ assets: [same] }));
    const copied = await run([cached], request({ maxRefills: 0 }));
    expect(copied.slots.map((slot) => slot.error?.code).toSorted()).toEqual(['duplicate', undefined]);
  });
});

describe('a set that must not mix engines', () => {
  const down = failing('outage');

  it('waits for the engine of its first picture instead of going on elsewhere', async () => {
    let calls = 0;
    const modal = new FakeProvider('modal', (job, call, context) => {
      calls = call;
      return (call === 1 || call > 6 ? ok : down)(job, call, context);
    });
    const fal = new FakeProvider('fal', ok);

    const state = await run([modal, fal], studio({ count: 3, coherence: 'required' }));

    expect(state).toMatchObject({ status: 'completed', engines: ['/flux-dev'] });
    expect(calls).toBeGreaterThan(6);
    expect(fal.jobs).toEqual([]);
  });

  it('agrees on one engine before it pays for two', async () => {
    const modal = new FakeProvider('modal', down);
    const fal = new FakeProvider('fal', ok);

    const state = await run([modal, fal], studio({ count: 3, coherence: 'required' }));

    expect(state).toMatchObject({ status: 'completed', engines: ['fal-ai/flux/dev'] });
    expect(fal.jobs).toHaveLength(3);
    expect(state.slots.flatMap(({ attempts }) => attempts.map(({ errorCode }) => errorCode))).not.toContain(
      'incoherent',
    );
  });

  it('does not sleep through the choice of its engine while one provider is known to be down', async () => {
    harness.surroundings.downSince = (provider) =>
      provider === 'modal' ? '2026-01-02T03:04:05.678Z' : undefined;
    const modal = new FakeProvider('modal', ok);
    modal.isHealthy = false;
    const fal = new FakeProvider('fal', ok);

    const state = await run([modal, fal], studio({ count: 6, coherence: 'required' }));

    expect(state).toMatchObject({ status: 'completed', engines: ['fal-ai/flux/dev'] });
    expect(modal.jobs).toEqual([]);
  });

  it('looks again before it pays a second time for the picture that another slot has overtaken', async () => {
    const word = new EventEmitter();
    const failed = once(word, 'failed');
    const modal = new FakeProvider('modal', async (job, call, context) => {
      if (job.jobKey.includes('slot-2')) {
        word.emit('failed');
        return await failing('generation_failed', { outcome: 'ended_billed' })(job, call, context);
      }
      await failed;
      return await down(job, call, context);
    });
    const fal = new FakeProvider('fal', ok);

    const state = await run([modal, fal], studio({ count: 2, coherence: 'required' }));

    expect(state).toMatchObject({ status: 'completed', engines: ['fal-ai/flux/dev'] });
    expect(modal.jobs.filter(({ jobKey }) => jobKey.includes('slot-2'))).toHaveLength(1);
  });

  it('mixes them, and says so, where that is only preferred not to be', async () => {
    const modal = new FakeProvider('modal', inTurn(ok, down));
    const fal = new FakeProvider('fal', ok);

    const state = await run([modal, fal], studio({ count: 2 }));

    expect(state.engines.toSorted()).toEqual(['/flux-dev', 'fal-ai/flux/dev']);
  });
});

describe('a slot of a set that is made anew', () => {
  it('is held to the engine of its set where that must not mix them, and to its other pictures', async () => {
    const fal = new FakeProvider('fal', (job, call, context) => showing(`motif ${call}`)(job, call, context));
    const request = studio({ count: 2, coherence: 'required', modelProvider: 'fal', maxRefills: 1 });
    const modal = new FakeProvider('modal', ok);
    const set = await run([modal, fal], request);
    expect(set.engines).toEqual(['fal-ai/flux/dev']);
    const [, second] = set.slots;
    // A copy of the picture that stays, then a new one; Fal is out for a moment meanwhile, and Modal is not.
    fal.answer = inTurn(
      failing('outage'),
      () => Promise.resolve({ assets: [{ ...second!.asset!, assetId: 'c'.repeat(64) }] }),
      showing('another motif'),
    );
    fal.jobs.length = 0;

    const lineage = { generationId: set.generationId, slot: 1 };
    const again = await harness.withProviders([modal, fal], async () => {
      const handle = await harness.start(request, { lineage });
      return await handle.result();
    });

    expect(again).toMatchObject({ status: 'completed', lineage, engines: ['fal-ai/flux/dev'] });
    expect(again.slots.flatMap(({ attempts }) => attempts.map(({ errorCode }) => errorCode))).toContain(
      'duplicate',
    );
    expect(modal.jobs).toEqual([]);
  });
});

describe('what a set has made', () => {
  it('is saved within seconds while one of its slots is still slow, and no more than twice in all', async () => {
    const modal = new FakeProvider('modal', async (job, call, context) => {
      if (call === 3) await waitUntil(() => Promise.resolve(completed(harness.saves.at(-1)) === 2));
      return await ok(job, call, context);
    });
    harness.saves.length = 0;

    const { status } = await run([modal], studio({ count: 3 }));

    expect(status).toBe('completed');
    expect(harness.saves.map(completed)).toEqual([2, 3]);
  });
});

function completed(state: GenerationState | undefined): number {
  return (state?.slots ?? []).filter((slot) => slot.status === 'completed').length;
}

describe('minSuccess', () => {
  const oneRefused: Answer = (job, call, context) =>
    (call === 1 ? failing('policy') : ok)(job, call, context);

  it.each([
    [7, 'partial', undefined],
    [8, 'failed', 'min_success_missed'],
  ] as const)('of %i in a set of which one picture was refused: %s', async (minSuccess, status, error) => {
    const state = await run([new FakeProvider('modal', oneRefused)], profilePictures({ minSuccess }));

    expect(state.status).toBe(status);
    expect(state.slots.filter((slot) => slot.status === 'completed')).toHaveLength(7);
    expect(state.error?.code).toBe(error);
    if (error !== undefined)
      expect(state.error?.message).toMatch(/^7 of 8 pictures.* minSuccess is 8\. .*policy/);
  });
});

describe('a stored picture of the same recipe', () => {
  const stored: StoredAsset = { assetId: 'b'.repeat(64), mediaType: 'image/png', bytes: 1 };

  it('is the result at no cost, when the job may reuse it', async () => {
    harness.surroundings.findMade = () => Promise.resolve(stored);
    const modal = new FakeProvider('modal', ok);

    const state = await run([modal], studio({ reuse: true }));

    expect(state).toMatchObject({ status: 'completed', costUsd: 0 });
    expect(state.slots[0]).toMatchObject({ reused: true, asset: stored, attempts: [] });
    expect(modal.jobs).toEqual([]);
  });

  it('is not taken twice in one set', async () => {
    harness.surroundings.findMade = () => Promise.resolve(stored);
    const modal = new FakeProvider('modal', ok);

    const { slots } = await run([modal, new FakeProvider('fal', ok)], baseImages({ reuse: true }));

    expect(slots.filter(({ reused }) => reused === true)).toHaveLength(1);
    expect(slots.every(({ status }) => status === 'completed')).toBe(true);
  });
});
