import { planCost, planGeneration, RequestRefused } from '../../src/registry';
import { everythingOn } from './fixtures';
import { baseImages, profilePictures, studio } from '../support/flow-requests';
import type { FlowRequest } from '../../src/domain/requests';

const plan = (request: FlowRequest, options: { fallbackSeed?: number; onlySlot?: number } = {}) =>
  planGeneration(request, everythingOn, { fallbackSeed: 500, ...options });

function issuesOf(request: FlowRequest) {
  try {
    plan(request);
  } catch (error) {
    if (error instanceof RequestRefused) return error.issues;
    throw error;
  }
  return [];
}

describe('the plan of one slot alone', () => {
  it.each<[string, FlowRequest, number]>([
    ['base images', baseImages(), 5],
    ['profile pictures', profilePictures(), 3],
    ['studio pictures', studio({ count: 4 }), 4],
  ])('is that of the whole set of %s but for its seed', (_name, request, onlySlot) => {
    const whole = plan(request).slots[onlySlot - 1];
    const { slots } = plan(request, { onlySlot });

    expect(slots).toHaveLength(1);
    expect(slots[0]).toMatchObject({ slot: onlySlot, label: whole?.label, seed: request.request.seed });
    expect(slots[0]?.considered).toEqual(whole?.considered);
    const promptOf = (candidates = whole?.candidates) =>
      candidates?.map(({ parameters }) => parameters['prompt']);
    expect(promptOf(slots[0]?.candidates)).toEqual(promptOf());
    expect(slots[0]?.candidates[0]?.parameters['seed']).toBe(request.request.seed);
  });

  it('takes the seed it is given when the request names none, also the smallest', () => {
    const request = studio({ count: 4, seed: undefined });

    expect(plan(request, { onlySlot: 4, fallbackSeed: 0 }).slots[0]?.seed).toBe(0);
    expect(plan(request, { onlySlot: 2, fallbackSeed: 4_294_967_295 }).slots[0]?.seed).toBe(4_294_967_295);
  });

  it('needs no more than its one picture, and costs no more than it', () => {
    const request = studio({ count: 4, minSuccess: 4 });
    const one = plan(request, { onlySlot: 3 });

    expect(one.rules.minSuccess).toBe(1);
    expect(planCost(one).worstUsd).toBeCloseTo(planCost(plan(request)).worstUsd / 4, 6);
  });

  it('is refused for a slot the request does not have', () => {
    expect(() => plan(studio({ count: 2 }), { onlySlot: 3 })).toThrow(RequestRefused);
  });
});

describe('the rules of a job', () => {
  it('stand in its plan as the request says them', () => {
    const rules = {
      unknownOutcome: 'hold',
      maxCostUsd: 3,
      minSuccess: 2,
      coherence: 'required',
      maxRefills: 3,
      hedge: true,
    };

    expect(plan(studio({ count: 2, ...rules })).rules).toMatchObject(rules);
  });

  it('are refused where they can never be kept, naming the field', () => {
    expect(issuesOf(studio({ count: 2, minSuccess: 3 }))).toMatchObject([{ field: 'minSuccess' }]);
    expect(issuesOf(studio({ seed: undefined, reuse: true }))).toMatchObject([{ field: 'seed' }]);
    expect(issuesOf(baseImages({ maxCostUsd: 0.01 }))).toMatchObject([{ field: 'maxCostUsd' }]);
  });

  it('allow a job that costs exactly its limit at the dearest candidates', () => {
    const { worstUsd } = planCost(plan(baseImages()));

    expect(issuesOf(baseImages({ maxCostUsd: worstUsd }))).toEqual([]);
    expect(issuesOf(baseImages({ maxCostUsd: worstUsd - 0.001 }))).toMatchObject([
      { field: 'maxCostUsd', message: expect.stringContaining(`raise it to ${String(worstUsd)}`) as unknown },
    ]);
  });
});
