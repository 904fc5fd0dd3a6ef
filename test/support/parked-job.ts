import { condition, defineQuery, defineSignal, proxyActivities, setHandler } from '@temporalio/workflow';
import type { CoreActivities } from '../../src/activities';
import { providerUpSignalName, type ProviderUp } from '../../src/domain/messages';
import { generationTaskQueue } from '../../src/domain/task-queues';
import type { ProviderName } from '../../src/domain/taxonomy';

const { joinWatches } = proxyActivities<CoreActivities>({
  taskQueue: generationTaskQueue,
  startToCloseTimeout: '30 seconds',
});

/** A job that waits for providers and does nothing else; ends `lingerMs` after its first wake-up. */
export async function parkedJob(providers: ProviderName[], lingerMs: number): Promise<ProviderUp[]> {
  const wakeUps: ProviderUp[] = [];
  setHandler(defineSignal<[ProviderUp]>(providerUpSignalName), (up) => void wakeUps.push(up));
  setHandler(defineQuery<number>('wakeUps'), () => wakeUps.length);
  await joinWatches({ providers });
  await condition(() => wakeUps.length > 0);
  if (lingerMs > 0) await condition(() => wakeUps.length > 1, lingerMs);
  return wakeUps;
}
