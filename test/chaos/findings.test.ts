import type { Disruption, FaultName } from '../../proof/chaos/analysis/evidence';
import { analyse } from '../../proof/chaos/analysis/findings';
import { attempt, evidence, job, slot, startedAt, unknownAttempt, work } from './evidence';

const later = { startedAt: new Date(startedAt + 10_000).toISOString(), number: 2 };
const laterJob = job({ n: 2, at: startedAt + 10_050 });

describe('the analysis of a chaos run', () => {
  it('does not call a second submit a duplicate when the first made a useless picture', () => {
    const black = attempt({ outcome: 'failed', errorClass: 'corrupt', errorCode: 'media_blank' });
    const slots = [slot({ attempts: [black, attempt(later)] })];
    const findings = analyse(evidence({ works: [work({ slots })], jobs: [job(), laterJob] }));
    expect(findings.duplicates).toEqual([]);
    expect(findings.money).toMatchObject({
      chargedUsd: 0.04,
      reportedUsd: 0.04,
      spoiledUsd: 0.02,
      wastedUsd: 0,
    });
  });

  it.each([
    ['resubmit', 'media_truncated', 0],
    ['hold', 'media_truncated', 1],
    ['resubmit', 'body_cut_off', 1],
    ['hold', 'media_wrong_size', 0],
  ] as const)('under %s, after %s, counts %d duplicates', (policy, errorCode, count) => {
    const bad = attempt({ outcome: 'failed', errorClass: 'corrupt', errorCode });
    const slots = [slot({ attempts: [bad, attempt(later)] })];
    const findings = analyse(evidence({ policy, works: [work({ slots })], jobs: [job(), laterJob] }));
    expect(findings.duplicates).toHaveLength(count);
  });

  it('does not call a second submit a duplicate when the provider had failed the first', () => {
    const crashed = attempt({ outcome: 'failed', errorClass: 'transient', errorCode: 'generation_failed' });
    const slots = [slot({ attempts: [crashed, attempt(later)] })];
    const jobs = [job({ outcome: 'failed' }), laterJob];
    expect(analyse(evidence({ works: [work({ slots })], jobs })).duplicates).toEqual([]);
  });

  it('takes a job the pod has forgotten for over, whoever recorded it', () => {
    const pod = { provider: 'comfyui', endpoint: 'sdxl', chargedUsd: 0 } as const;
    const slots = [
      slot({ attempts: [attempt({ ...later, provider: 'comfyui', endpoint: 'sdxl', costUsd: 0 })] }),
    ];
    const jobs = [job({ ...pod, outcome: 'lost' }), { ...laterJob, ...pod }];
    expect(analyse(evidence({ works: [work({ slots })], jobs })).duplicates).toEqual([]);
  });

  it.each([
    [20_000, 'unknown'],
    [9_000, 'delivered'],
  ] as const)(
    'takes a job that the pod had lost, and gave %d ms after, for %s when another was paid',
    (foundAfterMs, why) => {
      const pod = { provider: 'comfyui', endpoint: 'sdxl', costUsd: 0 } as const;
      const found = { startedAt: new Date(startedAt + foundAfterMs).toISOString(), number: 3 };
      const slots = [
        slot({
          attempts: [
            unknownAttempt({ ...pod, costUsd: undefined, atRiskUsd: undefined }),
            unknownAttempt(later),
            attempt({ ...pod, ...found, providerRequestId: 'p1' }),
          ],
        }),
      ];
      const jobs = [job({ ...pod, ids: ['p1'], chargedUsd: 0 }), laterJob];
      const { duplicates } = analyse(evidence({ works: [work({ slots })], jobs }));
      expect(duplicates).toMatchObject([{ provider: 'comfyui', laterProvider: 'modal', why }]);
    },
  );

  it('finds no excuse in an unknown outcome that was cleared up before another was paid', () => {
    const pod = { provider: 'comfyui', endpoint: 'sdxl', costUsd: undefined } as const;
    const seen = { startedAt: new Date(startedAt + 5_000).toISOString(), number: 2 };
    const found = { startedAt: new Date(startedAt + 20_000).toISOString(), number: 4 };
    const open = { outcome: 'failed', certainty: 'accepted', providerRequestId: 'p1' } as const;
    const slots = [
      slot({
        attempts: [
          unknownAttempt({ ...pod, atRiskUsd: undefined }),
          attempt({ ...pod, ...seen, ...open }),
          unknownAttempt({ ...later, number: 3 }),
          attempt({ ...pod, ...found, costUsd: 0, providerRequestId: 'p1' }),
        ],
      }),
    ];
    const jobs = [job({ ...pod, ids: ['p1'], chargedUsd: 0 }), laterJob];
    const { duplicates } = analyse(evidence({ works: [work({ slots })], jobs }));
    expect(duplicates).toMatchObject([{ provider: 'comfyui', why: 'delivered' }]);
  });

  it('counts a resubmit behind an unknown outcome, and the money it really cost', () => {
    const slots = [slot({ attempts: [unknownAttempt(), attempt(later)] })];
    const findings = analyse(evidence({ works: [work({ slots })], jobs: [job(), laterJob] }));
    expect(findings.duplicates).toMatchObject([{ provider: 'modal', why: 'unknown', earlier: 1, later: 2 }]);
    expect(findings.money).toMatchObject({ atRiskUsd: 0.02, atRiskChargedUsd: 0.02, reportedUsd: 0.04 });
  });

  it('reports no money for a submit that never arrived', () => {
    const slots = [slot({ attempts: [unknownAttempt(), attempt(later)] })];
    const findings = analyse(evidence({ works: [work({ slots })], jobs: [laterJob] }));
    expect(findings.unknowns).toMatchObject([{ accepted: false, chargedUsd: 0 }]);
    expect(findings.money).toMatchObject({ atRiskUsd: 0.02, atRiskChargedUsd: 0, reportedUsd: 0.02 });
  });

  it('reports no money for an accepted job the provider did not charge', () => {
    const slots = [slot({ attempts: [unknownAttempt(), attempt(later)] })];
    const jobs = [job({ outcome: 'failed', chargedUsd: 0 }), laterJob];
    const { money } = analyse(evidence({ works: [work({ slots })], jobs }));
    expect(money).toMatchObject({ atRiskChargedUsd: 0, reportedUsd: 0.02, mismatches: [] });
  });

  it('never lays an unknown outcome to the charge of an earlier job', () => {
    const crashed = attempt({ outcome: 'failed', errorClass: 'transient' });
    const slots = [
      slot({ status: 'failed', errorCode: 'outcome_unknown', attempts: [crashed, unknownAttempt(later)] }),
    ];
    const { money, unknowns } = analyse(
      evidence({ works: [work({ slots })], jobs: [job({ outcome: 'failed' })] }),
    );
    expect(unknowns).toMatchObject([{ accepted: false }]);
    expect(money).toMatchObject({ reportedUsd: 0.02, mismatches: [] });
  });

  it('says which job the trail does not know', () => {
    const findings = analyse(evidence({ jobs: [job({ at: startedAt - 60_000 }), job({ n: 2 })] }));
    expect(findings.duplicates).toMatchObject([{ why: 'unrecorded', earlier: 1 }]);
  });

  it("believes the provider's own id before place and time", () => {
    const first = attempt({ outcome: 'failed', costUsd: undefined, providerRequestId: 'r1' });
    const slots = [slot({ attempts: [first, attempt({ ...later, providerRequestId: 'r1' })] })];
    const jobs = [job({ ids: ['r1'] }), { ...laterJob, ids: ['r2'] }];
    const { duplicates } = analyse(evidence({ works: [work({ slots })], jobs }));
    expect(duplicates).toMatchObject([{ why: 'delivered', earlier: 1, later: 2 }]);
  });

  it('lays an accepted job to the attempt that began it, also when a later one collected it by its id', () => {
    const lost = attempt({
      ...later,
      outcome: 'failed',
      costUsd: undefined,
      errorCode: 'activity_timed_out',
    });
    const collected = { startedAt: new Date(startedAt + 20_000).toISOString(), number: 3 };
    const slots = [
      slot({ attempts: [unknownAttempt(), lost, attempt({ ...collected, providerRequestId: 'r2' })] }),
    ];
    const jobs = [job({ ids: ['r1'] }), { ...laterJob, ids: ['r2'] }];
    const { duplicates, money } = analyse(evidence({ works: [work({ slots })], jobs }));
    expect(duplicates).toMatchObject([{ why: 'unknown', earlier: 1, later: 2 }]);
    expect(money).toMatchObject({ reportedUsd: 0.04, mismatches: [] });
  });

  it('tells two submits apart that followed each other within a second', () => {
    const black = attempt({
      outcome: 'failed',
      errorClass: 'corrupt',
      errorCode: 'media_blank',
      seconds: 0.5,
    });
    const soon = { startedAt: new Date(startedAt + 800).toISOString(), number: 2 };
    const slots = [slot({ attempts: [black, attempt(soon)] })];
    const jobs = [job(), job({ n: 2, at: startedAt + 850 })];
    const { duplicates, paid } = analyse(evidence({ works: [work({ slots })], jobs }));
    expect(duplicates).toEqual([]);
    expect(paid[0]).toMatchObject({ paid: 2, delivered: 1, failed: 1 });
  });

  it('tells a lost submit from the one that followed at once', () => {
    const lost = unknownAttempt({ seconds: 0.06 });
    const next = attempt({ startedAt: new Date(startedAt + 70).toISOString(), number: 2 });
    const slots = [slot({ attempts: [lost, next] })];
    const behind = job({ n: 2, at: startedAt + 80 });
    const both = analyse(evidence({ works: [work({ slots })], jobs: [job(), behind] }));
    expect(both.duplicates).toMatchObject([{ why: 'unknown' }]);
    const one = analyse(evidence({ works: [work({ slots })], jobs: [behind] }));
    expect(one.unknowns).toMatchObject([{ accepted: false }]);
    expect(one.money).toMatchObject({ reportedUsd: 0.02, mismatches: [] });
  });

  it('names the fault aimed at a request rather than a kill at the same time', () => {
    const slots = [slot({ status: 'failed', errorCode: 'outcome_unknown', attempts: [unknownAttempt()] })];
    const cut = { kind: 'cut', target: 'modal', fault: 'submit_lost' } as const;
    const disruptions = [
      { ...cut, at: startedAt + 100, detail: 'cut', workId: 'one' },
      { ...cut, at: startedAt + 200, detail: 'cut of another', workId: 'two' },
      { at: startedAt + 900, kind: 'kill', target: 'worker', detail: 'kill -9 worker' },
    ] as const;
    const [unknown] = analyse(evidence({ works: [work({ slots })], disruptions })).unknowns;
    expect(unknown?.cause?.detail).toBe('cut');
  });

  describe('names as the cause of an unknown outcome', () => {
    const kill = (at: number, target = 'worker') =>
      ({ at: startedAt + at, kind: 'kill', target, detail: `kill ${target} at ${at}` }) as const;
    const happens = (at: number, kind: 'outage' | 'hang', target = 'modal') =>
      ({ at: startedAt + at, kind, target, detail: `${kind} of ${target} at ${at}` }) as const;
    const plays = (at: number, fault: FaultName, target = 'modal') =>
      ({
        at: startedAt + at,
        kind: 'fault',
        target,
        fault,
        detail: `${fault} at ${target} at ${at}`,
      }) as const;
    const row = (at: number, until: number, fault: FaultName, target = 'modal') => ({
      ...plays(at, fault, target),
      until: startedAt + until,
    });
    const silent = { seconds: 32, errorCode: 'activity_timed_out' };
    const refused = { errorCode: 'unavailable' };

    it.each<[string, object, Disruption[], string | undefined]>([
      [
        'the kill of its worker, not a later one',
        silent,
        [kill(-60_000), kill(500), kill(20_000)],
        'kill worker at 500',
      ],
      ['its worker before the server', silent, [kill(400, 'temporal'), kill(500)], 'kill worker at 500'],
      ['the server where nothing else fits', silent, [kill(400, 'temporal')], 'kill temporal at 400'],
      ['an outage at its very end', {}, [kill(500), happens(2_000, 'outage')], 'outage of modal at 2000'],
      ['nothing when only the API was killed', silent, [kill(500, 'api')], undefined],
      ['nothing when another provider was out', {}, [happens(1_900, 'outage', 'fal')], undefined],
      ['nothing when an outage ended', {}, [{ ...happens(1_900, 'outage'), isEnd: true }], undefined],
      [
        'the end of a hang, which resets who hung',
        {},
        [{ ...happens(1_900, 'hang'), isEnd: true }],
        'hang of modal at 1900',
      ],
      ['no kill behind a connection that broke', {}, [kill(500)], undefined],
      ['no picture of no use: it came', {}, [{ ...plays(500, 'black_image'), workId: 'one' }], undefined],
      [
        'the kill behind a call that fell silent, not the fault its request had met',
        silent,
        [{ ...plays(100, 'submit_lost'), workId: 'one' }, kill(500)],
        'kill worker at 500',
      ],
      [
        'the fault of its own request before an outage',
        {},
        [{ ...plays(100, 'reset_before_headers'), workId: 'one' }, happens(1_900, 'outage')],
        'reset_before_headers at modal at 100',
      ],
      [
        'the row of refusals behind the answer of a gateway, not a kill',
        refused,
        [kill(500), row(-90_000, 100, 'http_503', 'fal'), row(-90_000, 100, 'http_503')],
        'http_503 at modal at -90000',
      ],
      ['no row of other refusals', refused, [row(-5_000, 100, 'rate_limited')], undefined],
      ['no row that had struck for the last time', refused, [row(-90_000, -5_000, 'http_503')], undefined],
      [
        'the cut of its worker from Temporal',
        silent,
        [{ at: startedAt + 600, kind: 'partition', target: 'worker-2', detail: 'cut' }],
        'cut',
      ],
      [
        'the race it lost, in which we stopped it',
        { outcome: 'cancelled', errorCode: 'overtaken' },
        [kill(500)],
        'stopped by us: another provider was faster',
      ],
      [
        'no fault aimed at another request',
        refused,
        [{ ...plays(500, 'http_503'), workId: 'two' }],
        undefined,
      ],
    ])('%s', (_what, fields, disruptions, cause) => {
      const slots = [
        slot({ status: 'failed', errorCode: 'outcome_unknown', attempts: [unknownAttempt(fields)] }),
      ];
      const [unknown] = analyse(evidence({ works: [work({ slots })], disruptions })).unknowns;
      expect(unknown?.cause?.detail).toBe(cause);
    });
  });

  it('finds the slot behind a job by its seed, and a refill by the attempt at its time', () => {
    const blank = attempt({ outcome: 'failed', errorClass: 'corrupt', errorCode: 'media_blank' });
    const slots = [
      slot({ attempts: [attempt({ startedAt: new Date(startedAt - 30_000).toISOString() })] }),
      slot({ slot: 2, seed: 900_002, attempts: [blank, attempt(later), attempt({ ...later, number: 3 })] }),
    ];
    const jobs = [
      job({ at: startedAt - 29_900 }),
      job({ n: 2, seed: 1001 }),
      { ...laterJob, n: 3, seed: 900_001 },
      { ...laterJob, n: 4, seed: 900_002 },
    ];
    const findings = analyse(evidence({ works: [work({ slots })], jobs }));
    expect(findings.orphans).toEqual([]);
    expect(findings.money.mismatches).toEqual([]);
  });

  it('collects what every provider was paid for', () => {
    const slots = [
      slot(),
      slot({ slot: 2, seed: 1001, attempts: [attempt({ outcome: 'failed', errorClass: 'corrupt' })] }),
    ];
    const jobs = [job(), job({ n: 2, seed: 1001 })];
    const [modal, fal] = analyse(evidence({ works: [work({ slots })], jobs })).paid;
    expect(modal).toEqual({
      provider: 'modal',
      paid: 2,
      delivered: 1,
      failed: 1,
      duplicatesBehindUnknown: 0,
      duplicatesUnexplained: 0,
      chargedUsd: 0.04,
    });
    expect(fal).toMatchObject({ paid: 0 });
  });
});
