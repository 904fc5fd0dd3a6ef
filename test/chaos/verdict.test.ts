import type { Evidence } from '../../proof/chaos/analysis/evidence';
import { analyse } from '../../proof/chaos/analysis/findings';
import { verdict } from '../../proof/chaos/analysis/verdict';
import { attempt, evidence, job, slot, startedAt, unknownAttempt, work } from './evidence';

function failuresOf(fields: Partial<Evidence>): string[] {
  return verdict(analyse(evidence(fields)));
}

const later = { startedAt: new Date(startedAt + 10_000).toISOString(), number: 2 };
const laterJob = job({ n: 2, at: startedAt + 10_050 });

describe('a chaos run', () => {
  it('passes when every picture was delivered, paid once and reported to the micro-dollar', () => {
    expect(failuresOf({})).toEqual([]);
  });

  it('passes when a slot failed with a typed reason', () => {
    const failed = slot({
      status: 'failed',
      errorCode: 'corrupt',
      attempts: [attempt({ outcome: 'failed' })],
    });
    expect(failuresOf({ works: [work({ status: 'failed', slots: [failed] })] })).toEqual([]);
  });

  describe('fails because an image is lost', () => {
    it.each([
      ['the API forgot the job', work({ status: undefined, slots: [], images: 1 })],
      [
        'the job ended with fewer slots than asked',
        work({ status: 'failed', errorCode: 'workflow_failed', images: 2 }),
      ],
      ['a slot ended without a reason', work({ slots: [slot({ status: 'failed' })] })],
      [
        'a slot gives a reason nobody defined',
        work({ slots: [slot({ status: 'failed', errorCode: 'boom' })] }),
      ],
      ['a delivered picture cannot be read', work({ slots: [slot({ assetProblem: 'cannot be decoded' })] })],
    ])('when %s', (_what, broken) => {
      expect(failuresOf({ works: [broken] })).toContainEqual(expect.stringContaining('images were lost'));
    });
  });

  it('fails when a job has not ended', () => {
    expect(failuresOf({ works: [work({ status: 'running' })] })).toContain('1 jobs are stuck');
  });

  it('fails when the API never accepted a request', () => {
    const refused = work({ generationId: undefined, slots: [], images: 3 });
    expect(failuresOf({ works: [refused], jobs: [] })).toEqual(['3 images were never accepted by the API']);
  });

  it('fails when a repeated Idempotency-Key started another job', () => {
    expect(failuresOf({ works: [work({ otherIds: ['id-two'] })] })).toContain(
      '1 requests with a known Idempotency-Key started another job',
    );
  });

  it('fails when a second paid submit has nothing in the trail behind it', () => {
    const failures = failuresOf({ jobs: [job(), laterJob] });
    expect(failures).toContain('1 paid submits have no recorded unknown outcome behind them');
  });

  it('fails when an accepted job was left at its provider and another one was paid', () => {
    const left = attempt({ outcome: 'failed', errorClass: 'outage', errorCode: 'connection_lost' });
    const slots = [slot({ attempts: [left, attempt(later)] })];
    const failures = failuresOf({ works: [work({ slots })], jobs: [job(), laterJob] });
    expect(failures).toEqual(['1 paid submits have no recorded unknown outcome behind them']);
  });

  describe('that resubmitted behind a recorded unknown outcome', () => {
    const slots = [slot({ attempts: [unknownAttempt(), attempt(later)] })];
    const lost = {
      at: startedAt + 1_900,
      kind: 'cut',
      target: 'modal',
      fault: 'submit_lost',
      workId: 'one',
    } as const;
    const disruptions = [{ ...lost, detail: 'cut' }];
    const resubmitted = { works: [work({ slots })], jobs: [job(), laterJob], disruptions };

    it('fails where nothing was done that leaves such a doubt', () => {
      expect(failuresOf({ ...resubmitted, disruptions: [] })).toEqual([
        '1 unknown outcomes have nothing behind them that can cause one',
      ]);
    });

    it('passes where the job allowed it', () => {
      expect(failuresOf(resubmitted)).toEqual([]);
    });

    it('fails where unknown outcomes are on hold', () => {
      expect(failuresOf({ ...resubmitted, policy: 'hold' })).toEqual([
        '1 duplicate submits although unknown outcomes are on hold',
      ]);
    });
  });

  it('fails when ComfyUI was given the same picture twice, even behind an unknown outcome', () => {
    const pod = { provider: 'comfyui', endpoint: 'sdxl' } as const;
    const slots = [
      slot({
        attempts: [unknownAttempt({ ...pod, atRiskUsd: 0 }), attempt({ ...pod, ...later, costUsd: 0 })],
      }),
    ];
    const jobs = [job({ ...pod, chargedUsd: 0 }), { ...laterJob, ...pod, chargedUsd: 0 }];
    expect(failuresOf({ works: [work({ slots })], jobs })).toContain(
      '1 jobs were submitted twice to ComfyUI',
    );
  });

  it('lets a picture that was lost at the pod be made elsewhere while the pod is out', () => {
    const pod = { provider: 'comfyui', endpoint: 'sdxl' } as const;
    const slots = [slot({ attempts: [unknownAttempt({ ...pod, atRiskUsd: 0 }), attempt(later)] })];
    const cut = { at: startedAt + 100, kind: 'cut', target: 'comfyui', detail: 'cut' } as const;
    const disruptions = [{ ...cut, workId: 'one', fault: 'submit_lost' }] as const;
    const jobs = [job({ ...pod, chargedUsd: 0 }), laterJob];
    expect(failuresOf({ works: [work({ slots })], jobs, disruptions })).toEqual([]);
  });

  it('fails when a provider was paid for a job nobody asked for', () => {
    const failures = failuresOf({ jobs: [job(), job({ n: 2, workId: undefined })] });
    expect(failures).toEqual([
      '1 paid jobs belong to no slot',
      'money differs: charged $0.04, reported $0.02',
    ]);
  });

  describe('fails because the money differs', () => {
    it.each([
      ['a picture cost more than reported', { jobs: [job({ chargedUsd: 0.020_054 })] }],
      ['a picture cost less than reported', { jobs: [job({ chargedUsd: 0 })] }],
      [
        'a slot does not sum its own attempts up',
        { works: [work({ slots: [slot({ attempts: [attempt({ costUsd: 0.03 })], costUsd: 0.02 })] })] },
      ],
    ])('when %s', (_what, fields) => {
      expect(failuresOf(fields)).toContainEqual(expect.stringContaining('money differs in 1 slots'));
    });

    it('when errors of two slots cancel out', () => {
      const slots = [slot(), slot({ slot: 2, seed: 1001 })];
      const jobs = [job({ chargedUsd: 0.03 }), job({ n: 2, seed: 1001, chargedUsd: 0.01 })];
      expect(failuresOf({ works: [work({ slots })], jobs })).toContainEqual(
        expect.stringContaining('money differs in 2 slots'),
      );
    });

    it('when an accepted job is booked twice', () => {
      const lostSight = attempt({ outcome: 'failed', providerRequestId: 'r1' });
      const slots = [slot({ attempts: [lostSight, attempt({ ...later, providerRequestId: 'r1' })] })];
      expect(failuresOf({ works: [work({ slots })], jobs: [job({ ids: ['r1'] })] })).toContainEqual(
        expect.stringContaining('money differs'),
      );
    });
  });
});
