import { EventEmitter, once } from 'node:events';
import { WorkflowFailedError } from '@temporalio/client';
import type { GenerationState } from '../../src/domain/generation';
import { generationStatusAttribute, providerAttribute } from '../../src/domain/search-attributes';
import { failing, FakeProvider, hanging, inTurn, picture, type Answer } from '../support/fake-provider';
import { baseImages, face, fluxLora, profilePictures, studio, testRouting } from '../support/flow-requests';
import { useHarness } from '../support/use-harness';

const harness = useHarness();

const ok: Answer = (job) => Promise.resolve(picture(job));

describe('base images', () => {
  it('makes six pictures on three models, each paid once, with six seeds', async () => {
    const modal = new FakeProvider('modal');
    const fal = new FakeProvider('fal');
    const result = await run([modal, fal], baseImages());

    expect(result.status).toBe('completed');
    expect(result.slots.map(({ endpoint }) => endpoint)).toEqual([
      '/flux-dev',
      '/flux-dev',
      'fal-ai/flux/dev',
      'fal-ai/flux/dev',
      'fal-ai/bytedance/seedream/v4.5/text-to-image',
      'fal-ai/bytedance/seedream/v4.5/text-to-image',
    ]);
    expect(modal.jobs).toHaveLength(2);
    expect(fal.jobs).toHaveLength(4);
    expect(new Set(result.slots.map(({ seed }) => seed)).size).toBe(6);
    expect(new Set([...modal.jobs, ...fal.jobs].map(({ jobKey }) => jobKey)).size).toBe(6);
  });

  it('finishes the Modal slots on Fal when Modal is out, and shows both attempts', async () => {
    const result = await run(
      [
        new FakeProvider('modal', failing('outage', { message: 'connection refused' })),
        new FakeProvider('fal'),
      ],
      baseImages(),
    );

    expect(result.status).toBe('completed');
    expect(result.slots[0]).toMatchObject({
      provider: 'fal',
      endpoint: 'fal-ai/flux/dev',
      status: 'completed',
    });
    expect(result.slots[0]?.attempts).toMatchObject([
      { number: 1, provider: 'modal', outcome: 'failed', errorClass: 'outage', certainty: 'not_sent' },
      { number: 2, provider: 'fal', outcome: 'succeeded' },
    ]);
  });
});

describe('profile pictures', () => {
  it('gives every picture the reference face and never leaves Modal', async () => {
    const modal = new FakeProvider('modal');
    const fal = new FakeProvider('fal');
    const result = await run([modal, fal], profilePictures());

    expect(result.status).toBe('completed');
    expect(result.slots).toHaveLength(8);
    expect(result.slots.every(({ identity }) => identity === 'reference')).toBe(true);
    expect(modal.jobs.every(({ inputs }) => inputs[0]?.assetId === face.assetId)).toBe(true);
    expect(fal.jobs).toEqual([]);
  });
});

describe('one slot', () => {
  it('tries the same provider again after a transient failure', async () => {
    const modal = new FakeProvider('modal', inTurn(failing('transient'), ok));
    const result = await run([modal], studio());

    expect(result.slots[0]).toMatchObject({ status: 'completed', provider: 'modal' });
    expect(result.slots[0]?.attempts.map(({ outcome }) => outcome)).toEqual(['failed', 'succeeded']);
  });

  it('comes back when the provider said, and goes on to the next one when that is too long', async () => {
    const busy = new FakeProvider('modal', inTurn(failing('capacity', { retryAfterMs: 1500 }), ok));
    const patient = await run([busy], studio());
    const [first, second] = patient.slots[0]!.attempts;
    expect(Date.parse(second!.startedAt) - Date.parse(first!.startedAt)).toBeGreaterThanOrEqual(1400);

    const fullForHours = new FakeProvider('modal', failing('capacity', { retryAfterMs: 600_000 }));
    const moved = await run([fullForHours, new FakeProvider('fal')], studio());
    expect(moved.slots[0]).toMatchObject({ provider: 'fal', status: 'completed' });
    expect(fullForHours.jobs).toHaveLength(1);
  });

  it.each(['input', 'policy', 'lora'] as const)(
    'ends at once on a %s failure: no other provider is paid',
    async (kind) => {
      const fal = new FakeProvider('fal');
      const result = await run([new FakeProvider('modal', failing(kind, { message: 'no' })), fal], studio());

      expect(result.status).toBe('failed');
      expect(result.slots[0]).toMatchObject({
        status: 'failed',
        error: { code: kind, message: 'no', provider: 'modal' },
      });
      expect(fal.jobs).toEqual([]);
    },
  );

  it('does not fail its set', async () => {
    const modal = new FakeProvider('modal', (job, call, context) =>
      call === 1 ? failing('input')(job, call, context) : ok(job, call, context),
    );
    const result = await run([modal], studio({ count: 3 }));

    expect(result.status).toBe('partial');
    expect(result.slots.filter(({ status }) => status === 'completed')).toHaveLength(2);
  });

  it('waits for its providers, and finishes by itself when one is back', async () => {
    const down = failing('outage', { message: 'connection refused' });
    const modal = new FakeProvider('modal', inTurn(down, down, ok));
    const fal = new FakeProvider('fal', down);
    const result = await run([modal, fal], studio());

    expect(result.slots[0]).toMatchObject({ status: 'completed', provider: 'modal' });
    expect(result.slots[0]?.waiting).toBeUndefined();
    expect(result.slots[0]?.attempts).toHaveLength(5);
    const parked = harness.saves.find(({ slots }) => slots[0]?.status === 'waiting');
    expect(parked?.slots[0]?.waiting).toMatchObject({ round: 1, reason: 'connection refused' });
  });

  it('waits with its LoRA rather than go on without it', async () => {
    const modal = new FakeProvider('modal', inTurn(failing('outage'), ok));
    const fal = new FakeProvider('fal');
    const result = await run([modal, fal], studio({ useLora: true }, { lora: fluxLora }));

    expect(result.slots[0]).toMatchObject({
      status: 'completed',
      endpoint: '/flux-dev-lora',
      identity: 'lora',
    });
    expect(fal.jobs).toEqual([]);
  });

  it('fails at its deadline with the first failure it saw', async () => {
    const request = studio();
    request.request.deadlineSeconds = 3;
    const down = failing('outage', { message: 'connection refused' });
    const result = await run([new FakeProvider('modal', down), new FakeProvider('fal', down)], request);

    expect(result.status).toBe('failed');
    expect(result.slots[0]?.error?.code).toBe('deadline_exceeded');
    expect(result.slots[0]?.error?.message).toContain('connection refused');
  });

  it.each([
    ['bad_gateway', { outcome: 'nobody_knows' }],
    ['connection_lost', { outcome: 'nobody_knows' }],
    ['media_not_media', { outcome: 'nobody_knows' }],
  ] as const)(
    'waits through an outage that answers, too, and asks each provider once at a time: %s %o',
    async (kind, options) => {
      const gateway = failing(kind, options);
      const modal = new FakeProvider('modal', inTurn(gateway, gateway, ok));
      const result = await run([modal, new FakeProvider('fal', gateway)], studio());

      expect(result.slots[0]).toMatchObject({ status: 'completed', provider: 'modal' });
      const attempts = result.slots[0]!.attempts;
      expect(attempts.map(({ provider }) => provider)).toEqual(['modal', 'fal', 'modal', 'fal', 'modal']);
      const begun = attempts.map(({ startedAt }) => Date.parse(startedAt));
      // What was answered so may have been paid: the second of them makes the wait four times as long.
      expect(begun[2]! - begun[0]!).toBeGreaterThanOrEqual(testRouting.parking.initialSeconds * 1000);
      expect(begun[3]! - begun[1]!).toBeGreaterThanOrEqual(4 * testRouting.parking.initialSeconds * 1000);
    },
  );

  it('stops paying for pictures nobody can use', async () => {
    const broken = failing('corrupt', { outcome: 'useless' });
    const modal = new FakeProvider('modal', broken);
    const fal = new FakeProvider('fal', broken);
    const result = await run([modal, fal], studio());

    expect(result.slots[0]?.error?.code).toBe('paid_attempt_limit');
    expect(modal.jobs.length + fal.jobs.length).toBeLessThanOrEqual(8);
    expect(result.slots[0]?.costUsd).toBeGreaterThan(0);
  });

  it('books the figure of the provider, or the price table marked as estimated', async () => {
    const exact = await run(
      [new FakeProvider('modal', (job) => Promise.resolve(picture(job, 0.0123)))],
      studio(),
    );
    expect(exact).toMatchObject({ costUsd: 0.0123, costEstimated: false });

    const estimated = await run([new FakeProvider('modal')], studio());
    expect(estimated).toMatchObject({ costUsd: 0.020054, costEstimated: true });
  });
});

describe('a running generation', () => {
  it('answers the progress query while a call is under way and after the end', async () => {
    const gate = new EventEmitter();
    const called = once(gate, 'called');
    const modal = new FakeProvider('modal', async (job) => {
      gate.emit('called');
      await once(gate, 'open');
      return picture(job);
    });
    await harness.withProviders([modal], async () => {
      const handle = await harness.start(studio());
      await called;
      const during = await handle.query<GenerationState>('progress');
      expect(during.slots[0]).toMatchObject({ status: 'running', provider: 'modal', endpoint: '/flux-dev' });
      gate.emit('open');
      await handle.result();
      const after = await handle.query<GenerationState>('progress');
      expect(after.status).toBe('completed');
    });
  });

  it('carries a cancellation to the provider and keeps the pictures it has', async () => {
    const gate = new EventEmitter();
    const bothAnswered = once(gate, 'second');
    let aborted = 0;
    const modal = new FakeProvider('modal', async (job, call, context) => {
      if (call === 1) return picture(job);
      gate.emit('second');
      context.signal.addEventListener('abort', () => (aborted += 1));
      return hanging(job, call, context);
    });
    await harness.withProviders([modal], async () => {
      const handle = await harness.start(studio({ count: 2 }));
      await bothAnswered;
      await handle.cancel();
      await expect(handle.result()).rejects.toThrow(WorkflowFailedError);
      const state = await handle.query<GenerationState>('progress');
      expect(state.status).toBe('cancelled');
      expect(state.slots.map(({ status }) => status).sort()).toEqual(['cancelled', 'completed']);
      expect(aborted).toBe(1);
      expect(harness.saved.get(state.generationId)?.status).toBe('cancelled');
    });
  });

  it('is saved with its recipes, and a save is never older than the one before', async () => {
    const result = await run([new FakeProvider('modal'), new FakeProvider('fal')], baseImages());

    expect(harness.saved.get(result.generationId)).toEqual(result);
    const made = harness.recipes.filter(({ generationId }) => generationId === result.generationId);
    expect(made).toHaveLength(6);
    const first = made.find(({ slot }) => slot === 1);
    expect(first).toMatchObject({
      endpoint: '/flux-dev',
      parameters: { width: 1024, height: 1024, seed: first?.seed },
    });
    const revisions = harness.saves
      .filter(({ generationId }) => generationId === result.generationId)
      .map(({ revision }) => revision);
    expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
  });

  it('tells the person in the Temporal UI what happens: details table and search attributes', async () => {
    await harness.withProviders([new FakeProvider('modal'), new FakeProvider('fal')], async () => {
      const handle = await harness.start(baseImages());
      await handle.result();
      const description = await handle.describe();
      const attributes = description.typedSearchAttributes;
      // Nothing happened that anybody would search for.
      expect(attributes.get(generationStatusAttribute)).toBeUndefined();
      expect(attributes.get(providerAttribute)).toEqual(['fal', 'modal']);
      const { currentDetails } = await handle.query<{ currentDetails: string }>(
        '__temporal_workflow_metadata',
      );
      expect(currentDetails).toContain('**completed**');
      expect(currentDetails).toContain('| 3 | option 3 | completed | fal | fal-ai/flux/dev | 1 |');
    });
  });
});

async function run(providers: FakeProvider[], request: ReturnType<typeof studio>): Promise<GenerationState> {
  return await harness.withProviders(providers, async () => (await harness.start(request)).result());
}
