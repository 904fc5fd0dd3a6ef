import { promptIdOf } from '../../../src/providers/comfyui/prompt-id';

describe('promptIdOf', () => {
  it('gives the same job the same id in every process and release', () => {
    expect(promptIdOf('generation-1/slot-1/1', 1)).toBe('e553535d-1339-5a9e-b1cb-884e6d38b5c5');
  });

  it('is a version 5 UUID', () => {
    const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
    for (let run = 1; run <= 50; run += 1) expect(promptIdOf('job', run)).toMatch(uuid);
  });

  it('differs between jobs and between the runs of one job', () => {
    const ids = ['a', 'b', 'c'].flatMap((job) => [1, 2, 3].map((run) => promptIdOf(job, run)));
    expect(new Set(ids).size).toBe(9);
  });
});
