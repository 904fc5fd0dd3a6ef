import { EventEmitter, once } from 'node:events';
import { ProviderError, type ProviderErrorOptions } from '../../src/providers/errors';
import { breakerThreshold } from '../../src/registry/watch-policy';
import { isProviderOut } from '../../src/worker/provider-health/provider-breaker';
import { ProviderBreaker } from '../../src/worker/provider-health/provider-breaker';

function failure(options: Partial<ProviderErrorOptions> = {}): ProviderError {
  return new ProviderError('the host refused the connection', {
    provider: 'modal',
    code: 'connection_refused',
    outcome: 'nothing_sent',
    ...options,
  });
}

function times(count: number, work: () => void): void {
  for (let done = 0; done < count; done += 1) work();
}

describe('a breaker', () => {
  let reports: string[];
  let breaker: ProviderBreaker;
  beforeEach(() => {
    reports = [];
    breaker = new ProviderBreaker({
      report: ({ reason, isDoubt }) =>
        Promise.resolve(void reports.push(isDoubt === true ? `perhaps: ${reason}` : reason)),
      onReportFailed: () => undefined,
    });
  });
  const fail = (): void => breaker.failed(failure());

  it('reports an outage after five failures in a row, with the reason of the last', () => {
    times(breakerThreshold - 1, fail);
    expect(reports).toEqual([]);
    fail();
    expect(reports).toEqual(['the host refused the connection']);
  });

  it('begins to count anew after every success', () => {
    times(breakerThreshold - 1, fail);
    breaker.succeeded();
    times(breakerThreshold - 1, fail);
    expect(reports).toEqual([]);
  });

  it('says whether calls ended well since the provider came up: one that serves now and then is no flapping one', async () => {
    const served: (boolean | undefined)[] = [];
    const told = new ProviderBreaker({
      report: ({ hasServed }) => Promise.resolve(void served.push(hasServed)),
      onReportFailed: () => undefined,
    });
    const outage = async (): Promise<void> => {
      times(breakerThreshold, () => told.failed(failure()));
      await new Promise(setImmediate);
      told.reset();
    };
    await outage();
    told.succeeded();
    await outage();
    await outage();
    expect(served).toEqual([undefined, true, undefined]);
  });

  it('reports once, however many calls fail at the same time', async () => {
    times(50, fail);
    await Promise.resolve();
    times(50, fail);
    expect(reports).toHaveLength(1);
  });

  it('reports again when the provider came back and fails again', async () => {
    times(breakerThreshold, fail);
    await new Promise(setImmediate);
    breaker.reset();
    times(breakerThreshold - 1, fail);
    expect(reports).toHaveLength(1);
    fail();
    expect(reports).toHaveLength(2);
  });

  it('never opens for refusals, full queues, wrong keys and broken pictures', () => {
    for (const code of [
      'content_policy_violation',
      'input_rejected',
      'lora_missing',
      'unauthorized',
      'media_blank',
      'rate_limited',
    ] as const)
      times(20, () => breaker.failed(failure({ code })));
    expect(reports).toEqual([]);
  });

  describe('of a provider with several apps', () => {
    const unavailable = failure({
      code: 'unavailable',
      outcome: 'nobody_knows',
      status: 503,
    });

    it('only doubts it while one app alone answers with errors', () => {
      times(breakerThreshold, () => breaker.failed(unavailable, 'ryla-instantid'));
      expect(reports).toEqual(['perhaps: the host refused the connection']);
    });

    it('is sure as soon as a second app fails', () => {
      times(breakerThreshold - 1, () => breaker.failed(unavailable, 'ryla-instantid'));
      breaker.failed(unavailable, 'ryla-flux');
      expect(reports).toEqual(['the host refused the connection']);
    });

    it('only doubts it while one app alone cannot be reached: each has a host of its own', () => {
      times(breakerThreshold, () => breaker.failed(failure(), 'ryla-z-image'));
      expect(reports).toEqual(['perhaps: the host refused the connection']);
    });

    it('tells what is certain although it has just told a doubt', async () => {
      times(breakerThreshold, () => breaker.failed(unavailable, 'ryla-flux'));
      await new Promise(setImmediate);
      times(50, () => breaker.failed(unavailable, 'ryla-flux'));
      breaker.failed(unavailable, 'ryla-qwen-image');
      expect(reports).toEqual([
        'perhaps: the host refused the connection',
        'the host refused the connection',
      ]);
    });

    it('forgets the other app after a success', () => {
      breaker.failed(unavailable, 'ryla-flux');
      breaker.succeeded();
      times(breakerThreshold, () => breaker.failed(unavailable, 'ryla-instantid'));
      expect(reports).toEqual(['perhaps: the host refused the connection']);
    });
  });

  describe('of a provider that takes connections and answers nothing', () => {
    const silence = failure({ provider: 'comfyui', code: 'pod_silent', outcome: 'still_there' });

    it('doubts it at once, and is sure after five', async () => {
      breaker.failed(silence);
      expect(reports).toEqual(['perhaps: the host refused the connection']);
      await new Promise(setImmediate);
      times(breakerThreshold - 1, () => breaker.failed(silence));
      expect(reports.slice(1)).toEqual(['the host refused the connection']);
    });

    it('doubts it again soon: it may have answered the question, and been silent again since', async () => {
      jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
      try {
        breaker.failed(silence);
        await new Promise(setImmediate);
        breaker.failed(silence);
        expect(reports).toHaveLength(1);
        jest.advanceTimersByTime(10_000);
        breaker.failed(silence);
        expect(reports).toHaveLength(2);
      } finally {
        jest.useRealTimers();
      }
    });

    it('does not doubt one that has several apps, each of which may be starting', () => {
      breaker.failed(failure({ code: 'deadline_exceeded', outcome: 'nobody_knows' }), 'ryla-flux');
      expect(reports).toEqual([]);
    });
  });

  it('tries a report that failed again with the next failure', async () => {
    const events = new EventEmitter();
    let tries = 0;
    const unlucky = new ProviderBreaker({
      report: () => {
        tries += 1;
        return tries === 1 ? Promise.reject(new Error('Temporal is away')) : Promise.resolve();
      },
      onReportFailed: (error) => events.emit('failed', error),
    });
    const failed = once(events, 'failed');
    times(breakerThreshold, () => unlucky.failed(failure()));
    await failed;
    await new Promise(setImmediate);
    unlucky.failed(failure());
    expect(tries).toBe(2);
  });
});

describe('what speaks against a provider', () => {
  it.each<[string, Partial<ProviderErrorOptions>]>([
    ['no connection', {}],
    ['a connection lost before the answer', lost('nobody_knows')],
    ['a connection lost while a job is collected', lost('unreachable')],
    ['silence after the submit', { code: 'deadline_exceeded', outcome: 'nobody_knows' }],
    ['a gateway', { code: 'bad_gateway', outcome: 'nobody_knows', status: 502 }],
    ['a gateway while a job is collected', { code: 'unavailable', outcome: 'still_there', status: 503 }],
    ["a stopped pod's proxy", { code: 'pod_unavailable', status: 404 }],
    [
      "a stopped pod's proxy while a job is collected",
      { code: 'pod_unavailable', outcome: 'still_there', status: 404 },
    ],
    ['a frozen pod while a job is collected', { code: 'pod_silent', outcome: 'still_there' }],
  ])('is %s', (_, options) => {
    expect(isProviderOut(failure(options))).toBe(true);
  });

  it.each<[string, Partial<ProviderErrorOptions>]>([
    ['a run that failed', { code: 'generation_failed', outcome: 'still_there', status: 500 }],
    ['a run that took too long', { code: 'deadline_exceeded', outcome: 'still_there' }],
    ['one endpoint that is not loaded', { code: 'nodes_not_loaded', status: 503 }],
    ['our own defect', { code: 'internal_error' }],
    ['the gate itself', { code: 'provider_down' }],
    ['an unknown outcome of an earlier call', { code: 'outcome_unknown' }],
    ['an upload the pod lost', { code: 'upload_lost', status: 400 }],
  ])('is not %s', (_, options) => {
    expect(isProviderOut(failure(options))).toBe(false);
  });
});

function lost(outcome: 'nobody_knows' | 'unreachable'): Partial<ProviderErrorOptions> {
  return { code: 'connection_lost', outcome };
}
