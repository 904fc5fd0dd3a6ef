import type { GenerationPlan, SlotPlan } from '../domain/plan';

/** How long calls really took. */
export interface CallLatencies {
  /** Seconds within which 95 of 100 recent pictures of this endpoint came; `undefined`: too few to say. */
  p95Seconds(endpoint: string): Promise<number | undefined>;
}

/** The plan with the time after which a call counts as slow as it was measured, where it was. */
export async function withMeasuredLatencies(
  plan: GenerationPlan,
  latencies: CallLatencies,
): Promise<GenerationPlan> {
  const endpoints = new Set(
    plan.slots.flatMap(({ candidates }) => candidates.map(({ endpoint }) => endpoint)),
  );
  const measured = new Map(
    await Promise.all(
      [...endpoints].map(async (endpoint) => [endpoint, await latencies.p95Seconds(endpoint)] as const),
    ),
  );
  const measure = (slot: SlotPlan): SlotPlan => ({
    ...slot,
    candidates: slot.candidates.map((candidate) => ({
      ...candidate,
      slowAfterSeconds: measured.get(candidate.endpoint) ?? candidate.slowAfterSeconds,
    })),
  });
  return { ...plan, slots: plan.slots.map(measure) };
}
