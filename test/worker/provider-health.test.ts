import { pino } from 'pino';
import { createProviderHealthStore } from '../../src/db';
import type { ProviderHealthRecord } from '../../src/domain/provider-health';
import { ProviderError, type ProviderErrorOptions } from '../../src/providers/errors';
import { breakerThreshold } from '../../src/registry/watch-policy';
import { createProviderHealth, type ProviderHealth } from '../../src/worker/provider-health/provider-health';
import { openTestDatabase } from '../db/test-database';
import { waitUntil } from '../support/wait-until';

const logger = pino({ level: 'silent' });
const fromNow = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();
const down = (fields: Partial<ProviderHealthRecord> = {}): ProviderHealthRecord => ({
  provider: 'modal',
  state: 'down',
  since: fromNow(-1),
  nextProbeAt: fromNow(10),
  ...fields,
});
const refused = new ProviderError('refused', {
  provider: 'modal',
  code: 'connection_refused',
  outcome: 'nothing_sent',
});

const noPauses = { pause: () => Promise.resolve(), pauses: () => Promise.resolve([]) };

/** The health of one worker over a database that the test plays; `read` waits for the next reading. */
function worker() {
  const database: { answer: () => ProviderHealthRecord[] } = { answer: () => [] };
  const reports: string[] = [];
  let readings = 0;
  const health = createProviderHealth({
    list: () => {
      readings += 1;
      return new Promise((resolve) => {
        resolve(database.answer());
      });
    },
    pauses: noPauses,
    watches: { reportOutage: (provider) => Promise.resolve(void reports.push(provider)) },
    logger,
  });
  opened.push(health);
  const read = async (): Promise<void> => {
    const before = readings;
    await waitUntil(() => Promise.resolve(readings > before + 1));
  };
  return { database, health, reports, read };
}

const opened: ProviderHealth[] = [];
afterEach(() => {
  jest.restoreAllMocks();
  for (const health of opened.splice(0)) health.stop();
});

describe('the gate in front of a provider', () => {
  it('closes and opens in every worker within one second of the word in the database', async () => {
    const { db, close } = await openTestDatabase();
    const store = createProviderHealthStore(db, 'ryla-generation');
    const list = () => store.list();
    const watches = { reportOutage: () => Promise.resolve() };
    const workers = [1, 2, 3].map(() => createProviderHealth({ list, pauses: store, watches, logger }));
    try {
      await Promise.all(workers.map((health) => health.start()));
      const allSee = (isDown: boolean) =>
        Promise.resolve(workers.every((health) => (health.downSince('modal') !== undefined) === isDown));
      const outage = down();
      await store.record(outage);
      const closedAfterMs = await elapsed(() => waitUntil(() => allSee(true)));
      expect(workers[0]?.downSince('modal')).toBe(outage.since);
      expect(workers[0]?.downSince('fal')).toBeUndefined();
      await store.record({ provider: 'modal', state: 'up', since: fromNow(0) });
      const openAfterMs = await elapsed(() => waitUntil(() => allSee(false)));

      expect(Math.max(closedAfterMs, openAfterMs)).toBeLessThan(1000);
    } finally {
      for (const health of workers) health.stop();
      await close();
    }
  }, 90_000);

  it('keeps to the last word while the database is away, and opens when that gets old', async () => {
    const { database, health } = worker();
    database.answer = () => [down({ nextProbeAt: fromNow(300) })];
    await health.start();
    database.answer = () => {
      throw new Error('no database');
    };
    expect(health.downSince('modal')).toBeDefined();
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 31_000);
    expect(health.downSince('modal')).toBeUndefined();
  });

  it('is open when the database was never reached', async () => {
    const { database, health } = worker();
    database.answer = () => {
      throw new Error('no database');
    };
    await health.start();
    expect(health.downSince('modal')).toBeUndefined();
  });

  it('does not stay shut when the watch was terminated and nobody probes any more', async () => {
    const { database, health, read } = worker();
    database.answer = () => [down({ nextProbeAt: fromNow(-60) })];
    await health.start();
    expect(health.downSince('modal')).toBeDefined();
    database.answer = () => [down({ nextProbeAt: fromNow(-121) })];
    await read();
    expect(health.downSince('modal')).toBeUndefined();
  });
});

describe('a provider that asked to be left alone', () => {
  const busy = new ProviderError('too many', {
    provider: 'fal',
    code: 'rate_limited',
    outcome: 'nothing_sent',
    retryAfterMs: 25_000,
  });

  it('is left alone by every worker within one second, and for as long as the longest request says', async () => {
    const { db, close } = await openTestDatabase();
    const store = createProviderHealthStore(db, 'ryla-generation');
    const watches = { reportOutage: () => Promise.resolve() };
    const [one, other] = [1, 2].map(() =>
      createProviderHealth({ list: () => store.list(), pauses: store, watches, logger }),
    );
    if (one === undefined || other === undefined) throw new Error('two workers');
    try {
      await Promise.all([one.start(), other.start()]);
      one.failed('fal', busy);
      expect(one.busyMs('fal')).toBeGreaterThan(24_000);
      const knownAfterMs = await elapsed(() => waitUntil(() => Promise.resolve(other.busyMs('fal') > 0)));
      expect(knownAfterMs).toBeLessThan(1000);
      expect(other.busyMs('fal')).toBeGreaterThan(20_000);
      expect(other.busyMs('modal')).toBe(0);

      await store.pause({ provider: 'fal', until: fromNow(5) });
      expect(Date.parse((await store.pauses())[0]?.until ?? '')).toBeGreaterThan(Date.now() + 20_000);
    } finally {
      for (const health of [one, other]) health.stop();
      await close();
    }
  }, 90_000);
});

describe('a Retry-After', () => {
  const asked = (fields: Partial<ProviderErrorOptions>): ProviderError =>
    new ProviderError('later', {
      provider: 'modal',
      code: 'rate_limited',
      outcome: 'nothing_sent',
      retryAfterMs: 25_000,
      ...fields,
    });

  it.each<[string, ProviderError, string | undefined, boolean]>([
    ['of a 429 holds for the provider', asked({ status: 429 }), 'ryla-flux', true],
    ['of one app that is out alone holds for that call only', asked({ status: 503 }), 'ryla-flux', false],
    ['of a provider without apps holds for it', asked({ status: 503 }), undefined, true],
    [
      'of a file host holds for nobody else',
      asked({ status: 503, code: 'media_host_busy' }),
      undefined,
      false,
    ],
  ])('%s', async (_, error, app, holds) => {
    const { health } = worker();
    await health.start();
    health.failed('modal', error, app);
    expect(health.busyMs('modal') > 0).toBe(holds);
  });
});

describe('the breaker behind it', () => {
  const failOften = (health: ProviderHealth): void => {
    for (let count = 0; count < breakerThreshold; count += 1) health.failed('modal', refused);
  };

  it('tells the watch of the provider that fails, and of no other', async () => {
    const { health, reports } = worker();
    await health.start();
    failOften(health);
    health.failed('fal', refused);
    expect(reports).toEqual(['modal']);
  });

  it('says nothing of failures while the provider is known to be down', async () => {
    const { database, health, reports } = worker();
    database.answer = () => [down()];
    await health.start();
    failOften(health);
    expect(reports).toEqual([]);
  });

  it('begins a new count when the provider is back', async () => {
    const { database, health, reports, read } = worker();
    await health.start();
    for (let count = 1; count < breakerThreshold; count += 1) health.failed('modal', refused);
    database.answer = () => [down()];
    await read();
    database.answer = () => [];
    await read();
    health.failed('modal', refused);
    expect(reports).toEqual([]);
  });
});

async function elapsed(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
