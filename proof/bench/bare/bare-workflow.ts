import { proxyActivities } from '@temporalio/workflow';
import type { BareActivities } from './bare-worker';

const { work } = proxyActivities<BareActivities>({ startToCloseTimeout: '10 minutes' });

/** The least a set of pictures can be on Temporal: one activity a slot, and nothing else. */
export async function bareSet(slots: number, seconds: number): Promise<void> {
  await Promise.all(Array.from({ length: slots }, () => work(seconds)));
}
