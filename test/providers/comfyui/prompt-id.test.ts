import { promptIdOf } from '../../../src/providers/comfyui/prompt-id';

describe('promptIdOf', () => {
  it('gives the same job the same id in every process and release', () => {
    expect(promptIdOf('generation-1/slot-1/1')).toBe('e553535d-1339-5a9e-b1cb-884e6d38b5c5');
  });

  it('is a version 5 UUID', () => {
    const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
    for (let job = 1; job <= 50; job += 1) expect(promptIdOf(`job-${String(job)}`)).toMatch(uuid);
  });

  it('differs between the jobs of a slot, also those that follow one another', () => {
    const ids = ['g/slot-1/a', 'g/slot-1/a/2', 'g/slot-2/a', 'g/slot-1/b'].map(promptIdOf);
    expect(new Set(ids).size).toBe(4);
  });
});
