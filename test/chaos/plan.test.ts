import { createDraw } from '../../proof/chaos/draw';
import { planDisruptions } from '../../proof/chaos/work/plan-disruptions';
import { planFaults } from '../../proof/chaos/work/plan-faults';
import { planWork, type WorkOrder } from '../../proof/chaos/work/plan-work';

function order(fields: Partial<WorkOrder> = {}): WorkOrder {
  return {
    images: 120,
    label: 'rs',
    unknownOutcome: 'resubmit',
    draw: createDraw(7),
    characterId: 'demo',
    face: '/v1/assets/face',
    ...fields,
  };
}

describe('the plan of a chaos run', () => {
  it.each([1, 5, 26, 60, 1000])('asks for exactly %i pictures', (images) => {
    const items = planWork(order({ images }));
    expect(items.reduce((sum, item) => sum + item.images, 0)).toBe(images);
  });

  it.each([1, 2, 3])('covers every flow and studio mode once there are 24 pictures, seed %i', (seed) => {
    const items = planWork(order({ images: 24, draw: createDraw(seed) }));
    expect(new Set(items.map(({ flow }) => flow))).toEqual(
      new Set(['base-images', 'profile-pictures', 'studio']),
    );
    expect(new Set(items.map(({ body }) => body['mode']))).toEqual(
      new Set([undefined, 'variations', 'editing', 'upscaling', 'video']),
    );
    expect(items.some(({ body }) => body['useLora'] === true)).toBe(true);
    expect(items.some(({ flow, body }) => flow === 'studio' && 'referenceImageUrl' in body)).toBe(true);
  });

  it('gives every request a word and seeds that no other one has', () => {
    const items = planWork(order({ images: 1000 }));
    expect(new Set(items.map(({ workId }) => workId)).size).toBe(items.length);
    expect(new Set(items.map(({ seed }) => seed)).size).toBe(items.length);
  });

  it('is the same for the same seed and another one for another', () => {
    const plan = (seed: number) => {
      const draw = createDraw(seed);
      const items = planWork(order({ draw }));
      return {
        items,
        faults: planFaults(items, draw),
        acts: planDisruptions({ images: 120, kills: 9, draw }),
      };
    };
    expect(plan(3)).toEqual(plan(3));
    expect(plan(4).acts).not.toEqual(plan(3).acts);
    expect(plan(4).faults).not.toEqual(plan(3).faults);
  });

  it('kills as often as asked, every process at least once, while there is work', () => {
    const acts = planDisruptions({ images: 100, kills: 12, draw: createDraw(1) });
    const kills = acts.flatMap(({ act }) => (act.kind === 'kill' ? [act.target] : []));
    expect(kills).toHaveLength(12);
    expect(new Set(kills)).toEqual(new Set(['worker', 'worker-2', 'api', 'temporal', 'postgres']));
    const cuts = acts.flatMap(({ act }) => (act.kind === 'partition' ? [act.seconds] : []));
    expect(cuts).toEqual([60, 60]);
    expect(Math.max(...acts.map(({ afterJobs }) => afterJobs))).toBeLessThanOrEqual(90);
  });

  it('has races, caps and a caller with a daily limit in the mixture, a race only where there is a rival', () => {
    const items = planWork(order({ images: 300 }));
    const shareOf = (of: (item: (typeof items)[number]) => boolean): number =>
      items.filter(of).length / items.length;
    expect(shareOf(({ body }) => 'maxCostUsd' in body)).toBeGreaterThan(0.1);
    expect(shareOf(({ caller }) => caller !== undefined)).toBeGreaterThan(0.1);
    const raced = items.filter(({ body }) => body['hedge'] === true);
    expect(raced.length).toBeGreaterThan(3);
    expect(raced.every(({ providers }) => providers.length > 1)).toBe(true);
  });

  it('strikes the polls of accepted jobs with every odd status, at every provider', () => {
    const items = planWork(order({ images: 4000 }));
    const faults = planFaults(items, createDraw(1)).map(({ fault }) => fault);
    const polls = faults.filter(({ fault }) => fault === 'poll_status');
    expect(new Set(polls.map(({ params }) => params?.status))).toEqual(new Set([302, 307, 204, 400, 422]));
    expect(new Set(polls.map(({ provider }) => provider))).toEqual(new Set(['modal', 'fal', 'comfyui']));
    const gateway = [
      'gateway_dies_before_spawn',
      'late_put',
      'put_lost_after_claim',
      'runner_killed',
      'state_stuck',
    ];
    expect(faults.map(({ fault }) => fault)).toEqual(expect.arrayContaining(gateway));
  });

  it('always cuts one connection after an accept', () => {
    const items = planWork(order({ images: 6 }));
    expect(planFaults(items, createDraw(1)).some(({ isCut }) => isCut)).toBe(true);
  });
});
