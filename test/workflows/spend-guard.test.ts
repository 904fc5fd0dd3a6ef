import type { ReserveSpendInput } from '../../src/activities/spend';
import type { GenerationInput, GenerationState } from '../../src/domain/generation';
import { failing, FakeProvider, inTurn, picture, type Answer } from '../support/fake-provider';
import { studio } from '../support/flow-requests';
import { useHarness } from '../support/use-harness';
import { waitUntil } from '../support/wait-until';

const harness = useHarness();

const ok: Answer = (job) => Promise.resolve(picture(job));
/** An answer of no use that was paid all the same. */
const broken = failing('media_empty', { outcome: 'useless' });
const blank = failing('media_blank', { outcome: 'useless' });
/** By the price table. */
const modalUsd = 0.020054;
const falUsd = 0.026214;

async function run(
  providers: FakeProvider[],
  request: ReturnType<typeof studio>,
  own: Partial<GenerationInput> = {},
): Promise<GenerationState> {
  return await harness.withProviders(providers, async () => (await harness.start(request, own)).result());
}

describe('maxCostUsd', () => {
  it('is looked at again before every fallback: what was paid for nothing counts', async () => {
    const modal = new FakeProvider('modal', failing('media_empty', { outcome: 'useless' }));
    const fal = new FakeProvider('fal', ok);

    // Enough for two calls at Modal, not for one more at Fal.
    const { slots, costUsd } = await run([modal, fal], studio({ maxCostUsd: 0.045, maxRefills: 0 }));

    expect(slots[0]?.error?.code).toBe('budget_exceeded');
    expect(slots[0]?.error?.message).toContain('above its maxCostUsd of $0.045');
    expect(costUsd).toBeCloseTo(2 * modalUsd);
    expect([modal.jobs.length, fal.jobs.length]).toEqual([2, 0]);
  });

  it('passes over a candidate that costs too much for a cheaper one', async () => {
    const fal = new FakeProvider('fal', failing('media_empty', { provider: 'fal', outcome: 'useless' }));
    const modal = new FakeProvider('modal', ok);
    const request = studio({ modelProvider: 'fal', maxCostUsd: falUsd + modalUsd, maxRefills: 0 });

    const { slots, costUsd } = await run([modal, fal], request);

    expect(slots[0]).toMatchObject({ status: 'completed', provider: 'modal' });
    expect(costUsd).toBeCloseTo(falUsd + modalUsd);
    expect([fal.jobs.length, modal.jobs.length]).toEqual([1, 1]);
  });

  it('counts what runs before a reset may have paid', async () => {
    harness.surroundings.saveState = () => Promise.resolve({ forgottenUsd: modalUsd });
    const modal = new FakeProvider('modal', async (job, call, context) => {
      await waitUntil(() => Promise.resolve(harness.saves.length > 0));
      return await broken(job, call, context);
    });

    const { slots, costUsd } = await run([modal], studio({ maxCostUsd: 0.045, maxRefills: 3 }));

    expect(slots[0]?.error?.code).toBe('budget_exceeded');
    expect(costUsd).toBeCloseTo(modalUsd);
  });

  it('is looked at again before every refill', async () => {
    const modal = new FakeProvider('modal', inTurn(blank, ok));

    const { slots } = await run([modal], studio({ maxCostUsd: 0.03, maxRefills: 3 }));

    expect(slots[0]?.error?.code).toBe('budget_exceeded');
    expect(modal.jobs).toHaveLength(1);
  });

  it('counts what other slots of the job have in flight', async () => {
    const modal = new FakeProvider('modal', inTurn(broken, ok));

    // The dearest price of both slots, and nothing for a second try while both are paid.
    const request = studio({ count: 2, maxCostUsd: 2 * falUsd, maxRefills: 0 });
    const { status, slots, costUsd } = await run([modal], request);

    expect(status).toBe('partial');
    expect(slots.map((slot) => slot.error?.code).toSorted()).toEqual(['budget_exceeded', undefined]);
    expect(costUsd).toBeLessThanOrEqual(2 * falUsd);
  });
});

describe("the caller's daily limit", () => {
  const asked: ReserveSpendInput[] = [];
  beforeEach(() => {
    asked.length = 0;
  });
  const reserve = (granted: boolean, reason?: string) => (input: ReserveSpendInput) => {
    asked.push(input);
    return Promise.resolve({ granted, reason });
  };

  it('is not asked about what was set aside at the start', async () => {
    harness.surroundings.reserve = reserve(false);

    const { status } = await run([new FakeProvider('modal')], studio(), { reservedUsd: falUsd });

    expect(status).toBe('completed');
    expect(asked).toEqual([]);
  });

  it('is asked before a call beyond that, and ends the slot with its reason when it is reached', async () => {
    harness.surroundings.reserve = reserve(false, 'The daily limit of caller shop is $1.');
    const modal = new FakeProvider('modal', broken);

    const { generationId, slots } = await run([modal], studio({ maxRefills: 1 }), {
      reservedUsd: falUsd,
      caller: 'shop',
    });

    const order = { generationId, caller: 'shop' };
    expect(asked).toMatchObject([
      { ...order, totalUsd: 2 * modalUsd },
      { ...order, totalUsd: expect.closeTo(modalUsd + falUsd) as number },
    ]);
    expect(slots[0]?.error).toMatchObject({
      code: 'budget_exceeded',
      message: 'The daily limit of caller shop is $1.',
    });
    expect(modal.jobs).toHaveLength(1);
  });

  it('is waited for until the deadline of the job where it cannot be read', async () => {
    harness.surroundings.reserve = () => Promise.reject(new Error('the database is away'));
    const modal = new FakeProvider('modal', broken);
    const request = studio({ maxRefills: 0 });
    // 60 s is the least the API takes.
    request.request.deadlineSeconds = 4;

    const { slots } = await run([modal], request, { reservedUsd: falUsd });

    expect(slots[0]).toMatchObject({ status: 'failed', costUsd: modalUsd });
    expect(slots[0]?.error?.code).toBe('deadline_exceeded');
    expect(modal.jobs).toHaveLength(1);
  });

  it('lets the job go on where it has room', async () => {
    harness.surroundings.reserve = reserve(true);
    const modal = new FakeProvider('modal', inTurn(broken, ok));

    const { status } = await run([modal], studio({ maxRefills: 1 }), { reservedUsd: falUsd });

    expect(status).toBe('completed');
    expect(asked).toHaveLength(1);
  });
});

describe('a reserved hedge', () => {
  it('costs the job nothing when the daily limit has no room for it', async () => {
    harness.surroundings.reserve = () => Promise.resolve({ granted: false });
    const modal = new FakeProvider('modal', async (job) => {
      // Slower than what counts as slow in this harness.
      await new Promise((done) => setTimeout(done, 2000));
      return picture(job);
    });
    const fal = new FakeProvider('fal', ok);

    const { slots } = await run([modal, fal], studio({ hedge: true }), { reservedUsd: falUsd });

    expect(slots[0]).toMatchObject({ status: 'completed', provider: 'modal' });
    expect(fal.jobs).toEqual([]);
  });
});
