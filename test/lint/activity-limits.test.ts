import { Linter } from 'eslint';
import { activityLimits } from '../../eslint-rules/activity-limits.cjs';

/** What the rule says about `proxyActivities` with these options. */
function complaintsAbout(options: string, proxy = 'proxyActivities'): string[] {
  const found = new Linter().verify(`${proxy}(${options});`, {
    plugins: { ryla: { rules: { 'activity-limits': activityLimits } } },
    rules: { 'ryla/activity-limits': 'error' },
  });
  return found.map(({ message }) => message);
}

describe('the lint rule on activity limits', () => {
  it.each([
    "{ startToCloseTimeout: '30 seconds', scheduleToCloseTimeout: '7 days' }",
    "{ startToCloseTimeout: '1 minute', scheduleToStartTimeout: '1h' }",
    "{ startToCloseTimeout: '2 minutes', scheduleToCloseTimeout: '1h', heartbeatTimeout: '30s' }",
    '{ startToCloseTimeout: limit * 1000, scheduleToCloseTimeout: 1, heartbeatTimeout: 1, taskQueue: queue }',
  ])('accepts %s', (options) => {
    expect(complaintsAbout(options)).toEqual([]);
  });

  it.each([
    ['{ scheduleToCloseTimeout: "1h" }', 'startToCloseTimeout'],
    ['{ startToCloseTimeout: "30s" }', 'scheduleToCloseTimeout'],
    ['{ startToCloseTimeout: "2 minutes", scheduleToCloseTimeout: "1h" }', 'heartbeatTimeout'],
    ['{ startToCloseTimeout: limit, scheduleToCloseTimeout: "1h" }', 'heartbeatTimeout'],
    ['{ startToCloseTimeout: "5s", scheduleToCloseTimeout: "1h", taskQueue: queue }', 'heartbeatTimeout'],
    ['{ ...limits, startToCloseTimeout: "5s" }', 'scheduleToCloseTimeout'],
    ['limits', 'object literal'],
  ])('refuses %s for its %s', (options, missing) => {
    const complaints = complaintsAbout(options);

    expect(complaints).toContainEqual(expect.stringContaining(missing));
  });

  it('looks at local activities too', () => {
    expect(complaintsAbout('{}', 'workflow.proxyLocalActivities')).toHaveLength(2);
  });
});
