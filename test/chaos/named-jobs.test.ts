import type { Evidence } from '../../proof/chaos/analysis/evidence';
import { analyse } from '../../proof/chaos/analysis/findings';
import { verdict } from '../../proof/chaos/analysis/verdict';
import { overtakenCode } from '../../src/domain/attempt-record';
import { nameOf } from '../../src/providers/modal/named-job-requests';
import { attempt, evidence, job, slot, startedAt, unknownAttempt, work } from './evidence';

const firstKey = 'one/slot-1/flux';
const secondKey = 'one/slot-1/flux/2';
const later = { startedAt: new Date(startedAt + 10_000).toISOString(), number: 2, jobKey: secondKey };
const firstJob = job({ jobKey: nameOf(firstKey, 1) });
const laterJob = job({ n: 2, at: startedAt + 10_050, jobKey: nameOf(secondKey, 1) });
const left = attempt({
  jobKey: firstKey,
  outcome: 'failed',
  errorClass: 'outage',
  errorCode: 'connection_lost',
});

function findingsOf(fields: Partial<Evidence>) {
  return analyse(evidence({ named: true, ...fields }));
}

function failuresOf(fields: Partial<Evidence>): string[] {
  return verdict(findingsOf(fields));
}

describe('a chaos run with a name for every job', () => {
  it('passes when every picture was delivered, paid once and reported', () => {
    const slots = [slot({ attempts: [attempt({ jobKey: firstKey })] })];
    expect(failuresOf({ works: [work({ slots })], jobs: [firstJob] })).toEqual([]);
  });

  describe('where a submit was resubmitted behind an unknown outcome', () => {
    const cut = { at: startedAt, kind: 'cut', target: 'modal', detail: 'cut', fault: 'submit_lost' } as const;
    const slots = [
      slot({ attempts: [unknownAttempt({ jobKey: firstKey }), attempt({ ...later, costUsd: 2 })] }),
    ];
    const resubmitted = {
      works: [work({ slots })],
      jobs: [firstJob, { ...laterJob, chargedUsd: 2 }],
      disruptions: [{ ...cut, workId: 'one' }],
    };

    it('fails for the second payment, for the doubt and for the money at risk', () => {
      expect(failuresOf(resubmitted)).toEqual([
        '1 duplicate paid submits although every job has a name',
        '1 outcomes are unknown at the end',
        '$0.02 are at risk at the end',
      ]);
    });

    it('passes with plain apps', () => {
      expect(failuresOf({ ...resubmitted, named: false })).toEqual([]);
    });
  });

  it('fails when a person was asked; with plain apps one may be', () => {
    expect(failuresOf({ decisions: 2 })).toEqual([
      '2 slots were put before a person although every job has a name',
    ]);
    expect(failuresOf({ decisions: 2, named: false })).toEqual([]);
  });

  it.each([true, false])('fails when a job never settled (named: %s)', (named) => {
    expect(failuresOf({ named, works: [work({ unsettledJobs: 1 })] })).toEqual([
      '1 jobs never settled: nobody knows what they cost',
    ]);
  });

  describe('that left a job at its provider and paid another one', () => {
    const extra = { slot: 1, provider: 'modal', endpoint: '/flux-dev', seed: 1000 };
    const slots = [slot({ attempts: [left, attempt(later)] })];
    const jobs = [firstJob, laterJob];
    const outage = { at: startedAt + 100, kind: 'outage', target: 'modal', detail: 'out' } as const;

    it('fails when its good picture was thrown away, also for the waste', () => {
      const failures = failuresOf({ works: [work({ slots })], jobs, disruptions: [outage] });
      expect(failures).toEqual([
        '1 paid submits have no recorded unknown outcome behind them',
        '1 duplicate paid submits although every job has a name',
        'wasted $0.02 is more than 1 % of the $0.04 charged',
      ]);
    });

    it('passes when the provider was out and the picture was kept as an extra', () => {
      const works = [work({ slots, extras: [extra] })];
      const fields = { works, jobs, disruptions: [outage] };
      expect(failuresOf(fields)).toEqual([]);
      const { duplicates, extras, money } = findingsOf(fields);
      expect(duplicates).toMatchObject([{ why: 'extra' }]);
      expect({ extras, money }).toMatchObject({ extras: 1, money: { extrasUsd: 0.02, wastedUsd: 0 } });
    });

    it.each([
      ['it was never out', []],
      ['another one was out', [{ ...outage, target: 'fal' }]],
      ['it was out only afterwards', [{ ...outage, at: startedAt + 11_000 }]],
      ['its outage had ended long before', [{ ...outage, at: startedAt - 60_000 }]],
    ] as const)('fails although the picture was kept, since %s', (_what, disruptions) => {
      const works = [work({ slots, extras: [extra] })];
      expect(failuresOf({ works, jobs, disruptions })).toContain(
        '1 duplicate paid submits although every job has a name',
      );
    });

    it.each([{ slot: 2 }, { provider: 'fal' }, { endpoint: '/sdxl' }, { seed: 7 }])(
      'fails when the extra is another one: %j',
      (other) => {
        const works = [work({ slots, extras: [{ ...extra, ...other }] })];
        expect(failuresOf({ works, jobs, disruptions: [outage] })).toContain(
          '1 duplicate paid submits although every job has a name',
        );
      },
    );
  });

  it('counts neither a race the caller asked for, nor its money, as a duplicate or as waste', () => {
    const overtaken = attempt({ jobKey: firstKey, outcome: 'cancelled', errorCode: overtakenCode });
    const slots = [slot({ attempts: [overtaken, attempt(later)] })];
    const fields = { works: [work({ slots })], jobs: [firstJob, laterJob] };
    expect(failuresOf(fields)).toEqual([]);
    const { duplicates, money } = findingsOf(fields);
    expect(duplicates).toMatchObject([{ why: 'raced' }]);
    expect(money).toMatchObject({ racedUsd: 0.02, wastedUsd: 0 });
  });

  it.each([
    ['a race the caller asked for', true, []],
    ['a second payment nobody asked for', false, ['1 duplicate paid submits although every job has a name']],
  ] as const)(
    'takes a job paid while a lost call for another was under way for %s',
    (_what, mayRace, expected) => {
      const error = { errorClass: 'transient', errorCode: 'activity_timed_out' } as const;
      const cutOff = attempt({ jobKey: firstKey, outcome: 'failed', ...error, seconds: 60 });
      const slots = [slot({ attempts: [cutOff, attempt({ ...later, provider: 'fal' })] })];
      const failures = failuresOf({
        works: [work({ slots, mayRace })],
        jobs: [firstJob, { ...laterJob, provider: 'fal' }],
      });
      expect(failures).toEqual(expect.arrayContaining([...expected]));
      expect(failures.some((failure) => failure.includes('duplicate'))).toBe(!mayRace);
    },
  );

  it('takes a job for a race that was called for in time, and taken by a busy provider only later', () => {
    const error = { errorClass: 'transient', errorCode: 'activity_timed_out' } as const;
    const lost = attempt({ jobKey: firstKey, outcome: 'failed', ...error, seconds: 5 });
    const at = (seconds: number) => new Date(startedAt + seconds * 1000).toISOString();
    const rival = { provider: 'fal', jobKey: secondKey } as const;
    const busy = { errorClass: 'capacity', errorCode: 'provider_busy', certainty: 'not_sent' } as const;
    const turnedAway = attempt({
      ...rival,
      outcome: 'failed',
      ...busy,
      startedAt: at(3),
      costUsd: undefined,
    });
    const attempts = [lost, turnedAway, attempt({ ...later, ...rival, startedAt: at(9) })];
    const jobs = [firstJob, { ...laterJob, provider: 'fal' as const, at: startedAt + 9_000 }];
    const fields = { works: [work({ slots: [slot({ attempts })], mayRace: true })], jobs };
    expect(findingsOf(fields).duplicates).toMatchObject([{ why: 'raced' }]);
  });

  it('takes two calls at once for a race, where the first tries of the earlier one were lost with their worker', () => {
    const error = { errorClass: 'transient', errorCode: 'activity_timed_out' } as const;
    const rival = { ...later, provider: 'fal', jobKey: secondKey } as const;
    const at = (seconds: number) => new Date(startedAt + seconds * 1000).toISOString();
    const lost = attempt({ jobKey: firstKey, outcome: 'failed', ...error, startedAt: at(3), seconds: 5 });
    const attempts = [lost, attempt({ ...rival, startedAt: at(1), seconds: 8 })];
    const jobs = [
      { ...firstJob, at: startedAt + 3_000 },
      { ...laterJob, provider: 'fal' as const, at: startedAt + 7_000 },
    ];
    const fields = { works: [work({ slots: [slot({ attempts })], mayRace: true })], jobs };
    expect(findingsOf(fields).duplicates.map((one) => one.why)).toEqual(['raced']);
  });

  it.each([
    ['a moment after it', 5.03, ['raced']],
    ['two seconds after it', 7, ['abandoned']],
  ] as const)('takes a job called for when the first call ended, %s, for %j', (_when, seconds, why) => {
    const error = { errorClass: 'transient', errorCode: 'activity_timed_out' } as const;
    const lost = attempt({ jobKey: firstKey, outcome: 'failed', ...error, seconds: 5 });
    const begunAt = startedAt + seconds * 1000;
    const rival = { ...later, provider: 'fal', jobKey: secondKey } as const;
    const attempts = [lost, attempt({ ...rival, startedAt: new Date(begunAt).toISOString() })];
    const jobs = [firstJob, { ...laterJob, provider: 'fal' as const, at: begunAt }];
    const fields = { works: [work({ slots: [slot({ attempts })], mayRace: true })], jobs };
    expect(findingsOf(fields).duplicates.map((one) => one.why)).toEqual(why);
  });

  describe('of which a result was no picture', () => {
    const page = { outcome: 'failed', errorClass: 'corrupt', errorCode: 'media_not_media' } as const;

    it.each(['resubmit', 'hold'] as const)('takes the named job for over under %s', (policy) => {
      const slots = [slot({ attempts: [attempt({ jobKey: firstKey, ...page }), attempt(later)] })];
      const fields = { policy, works: [work({ slots })], jobs: [firstJob, laterJob] };
      expect(failuresOf(fields)).toEqual([]);
      expect(findingsOf(fields).money).toMatchObject({ spoiledUsd: 0.02, wastedUsd: 0 });
    });

    it('takes a job without a name for left behind: the picture may have been good', () => {
      const slots = [slot({ attempts: [attempt(page), attempt(later)] })];
      const { duplicates } = findingsOf({ works: [work({ slots })], jobs: [job(), laterJob] });
      expect(duplicates).toMatchObject([{ why: 'abandoned' }]);
    });
  });

  it.each([
    ['a crash', 'failed', { errorClass: 'transient', errorCode: 'generation_failed' }],
    ['a refusal after the work', 'succeeded', { errorClass: 'policy', errorCode: 'nsfw_flagged' }],
    ['a black picture', 'succeeded', { errorClass: 'corrupt', errorCode: 'media_blank' }],
  ] as const)('lays %s to the provider, not to waste', (_what, outcome, error) => {
    const failed = attempt({ jobKey: firstKey, outcome: 'failed', ...error });
    const slots = [slot({ status: 'failed', errorCode: 'corrupt', attempts: [failed] })];
    const { money } = findingsOf({ works: [work({ slots })], jobs: [{ ...firstJob, outcome }] });
    expect(money).toMatchObject({ spoiledUsd: 0.02, wastedUsd: 0 });
  });

  describe('matches a job to the attempts about it', () => {
    const never = attempt({ ...left, certainty: 'not_sent', costUsd: undefined });

    it('by its name, whatever the time and the other jobs say', () => {
      const late = { startedAt: new Date(startedAt + 60_000).toISOString(), number: 2, jobKey: firstKey };
      const slots = [slot({ attempts: [attempt({ ...left, costUsd: undefined }), attempt(late)] })];
      const { duplicates, paid } = findingsOf({ works: [work({ slots })], jobs: [firstJob] });
      expect(duplicates).toEqual([]);
      expect(paid[0]).toMatchObject({ paid: 1, delivered: 1 });
    });

    it('by its name, also when its PUT took effect only after it was taken for not sent', () => {
      const slots = [slot({ attempts: [never, attempt(later)] })];
      const { duplicates } = findingsOf({ works: [work({ slots })], jobs: [firstJob, laterJob] });
      expect(duplicates).toMatchObject([{ earlier: 1, later: 2, why: 'abandoned' }]);
    });

    it('by the next number of its name, after Modal had lost it', () => {
      const again = { startedAt: new Date(startedAt + 10_000).toISOString(), number: 2, jobKey: firstKey };
      const slots = [slot({ attempts: [attempt({ ...left, costUsd: 0 }), attempt(again)] })];
      const jobs = [
        { ...firstJob, outcome: 'lost' as const, chargedUsd: 0 },
        { ...laterJob, jobKey: nameOf(firstKey, 2) },
      ];
      const fields = { works: [work({ slots })], jobs };
      expect(findingsOf(fields).orphans).toEqual([]);
      expect(failuresOf(fields)).toEqual([]);
    });

    it('at Fal by the name in our trail, where a later attempt looked it up', () => {
      const fal = { provider: 'fal', endpoint: 'fal-ai/flux', jobKey: 'one/slot-1/fal' } as const;
      const failed = { outcome: 'failed', costUsd: undefined } as const;
      const lost = attempt({ ...fal, ...failed, atRiskUsd: 0.02, seconds: 0.01 });
      const found = { ...failed, startedAt: later.startedAt, number: 2, providerRequestId: 'r1' };
      const slots = [slot({ attempts: [lost, attempt({ ...fal, ...found })] })];
      const falJob = job({ provider: 'fal', endpoint: 'fal-ai/flux', ids: ['r1'], at: startedAt + 900 });
      const { money } = findingsOf({ works: [work({ slots })], jobs: [falJob] });
      expect(money).toMatchObject({ atRiskChargedUsd: 0.02, mismatches: [] });
    });
  });
});
