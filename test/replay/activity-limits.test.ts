import { temporal } from '@temporalio/proto';
import { readHistories, type RecordedHistory } from './history-file';

type Scheduled = temporal.api.history.v1.IActivityTaskScheduledEventAttributes;

const { ActivityTaskScheduledEventAttributes } = temporal.api.history.v1;

/** Longest try that a dead worker may take up unnoticed, seconds; the lint rule knows the same. */
const unheardSeconds = 60;
/** A save is tried for as long; longer is what the server fills in where nothing was said. */
const longestSeconds = 30 * 24 * 3600;

function secondsOf(duration: Scheduled['heartbeatTimeout']): number {
  return Number(duration?.seconds ?? 0);
}

/** What is wrong with the limits of one scheduled activity. */
function faultsOf(activity: Scheduled, workflowQueue: string): string[] {
  const oneTry = secondsOf(activity.startToCloseTimeout);
  const allTries = secondsOf(activity.scheduleToCloseTimeout);
  const isElsewhere = activity.taskQueue?.name !== workflowQueue;
  const faults: string[] = [];
  if (oneTry === 0 || oneTry > longestSeconds) faults.push('no start-to-close timeout');
  if (allTries === 0 || allTries > longestSeconds) faults.push('no schedule-to-close timeout');
  if (allTries === oneTry) faults.push('no time for a second try');
  if ((isElsewhere || oneTry > unheardSeconds) && secondsOf(activity.heartbeatTimeout) === 0) {
    faults.push('no heartbeat');
  }
  return faults;
}

function eventsOf({ history }: RecordedHistory): temporal.api.history.v1.IHistoryEvent[] {
  return history.events ?? [];
}

function queueOf(recorded: RecordedHistory): string {
  const started = eventsOf(recorded)[0]?.workflowExecutionStartedEventAttributes;
  return started?.taskQueue?.name ?? '';
}

describe('every activity that a recorded run ever scheduled', () => {
  it('had a limit for each try and for all of them, and a heartbeat where it could wait', async () => {
    const seen = new Set<string>();
    const faults: string[] = [];
    for (const [name, recorded] of await readHistories()) {
      for (const { activityTaskScheduledEventAttributes: activity } of eventsOf(recorded)) {
        if (activity == null) continue;
        const type = activity.activityType?.name ?? '';
        seen.add(type);
        faults.push(...faultsOf(activity, queueOf(recorded)).map((fault) => `${name}, ${type}: ${fault}`));
      }
    }

    expect(faults).toEqual([]);
    expect([...seen]).toEqual(
      expect.arrayContaining([
        'saveGeneration',
        'generateMedia',
        'settleJob',
        'reserveSpend',
        'joinWatches',
        'checkProvider',
        'recordHealth',
        'wakeJobs',
      ]),
    );
  });

  it('would be named here without them', () => {
    const scheduled = (limits: object) => ActivityTaskScheduledEventAttributes.fromObject(limits);
    const unlimited = scheduled({});
    const years = { seconds: 315_360_000 };
    const filledIn = scheduled({ startToCloseTimeout: years, scheduleToCloseTimeout: years });
    const silent = scheduled({
      startToCloseTimeout: { seconds: 20 },
      scheduleToCloseTimeout: { seconds: 60 },
      taskQueue: { name: 'elsewhere' },
    });

    expect(faultsOf(unlimited, '')).toContain('no start-to-close timeout');
    expect(faultsOf(filledIn, '')).toContain('no schedule-to-close timeout');
    expect(faultsOf(silent, 'here')).toEqual(['no heartbeat']);
  });
});
