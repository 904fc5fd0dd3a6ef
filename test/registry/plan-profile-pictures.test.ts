import { profilePositions } from '../../src/registry/planning/profile-positions';
import { everythingOn, picture, plan, profilePictures, refusalOf, without } from './fixtures';

const consistent = (fields: Record<string, unknown> = {}) =>
  profilePictures({ referenceImageUrl: '/v1/assets/asset-1', ...fields });

describe('profile pictures', () => {
  it.each([
    ['classic-influencer', 8],
    ['professional-model', 9],
    ['natural-beauty', 8],
  ])('%s has %i positions', (set, size) => {
    const { slots } = plan(consistent({ set }));
    expect(slots).toHaveLength(size);
    expect(new Set(slots.map(({ label }) => label)).size).toBe(size);
    expect(new Set(slots.map(({ seed }) => seed)).size).toBe(size);
  });

  it('have 21 tall, three portrait and one square position in all', () => {
    const ratios = Object.values(profilePositions).flatMap((set) =>
      set.map(({ aspectRatio }) => aspectRatio),
    );
    const count = (ratio: string) => ratios.filter((each) => each === ratio).length;
    expect([count('9:16'), count('4:5'), count('1:1')]).toEqual([21, 3, 1]);
  });

  it('keep the face by three engines of Modal in turn, never anywhere else', () => {
    for (const slot of plan(consistent({ nsfw: true })).slots) {
      expect(slot.candidates.map(({ endpoint }) => endpoint)).toEqual([
        '/sdxl-instantid',
        '/flux-pulid',
        '/flux-ipadapter-faceid',
      ]);
      expect(
        slot.candidates.every(({ identity, app }) => identity === 'reference' && app === 'ryla-instantid'),
      ).toBe(true);
    }
  });

  it('send the base image inline with the strength and size of the consistent mode', () => {
    const [candidate] = plan(consistent()).slots[0]!.candidates;
    expect(candidate?.inputs).toEqual([
      {
        field: 'reference_image',
        encoding: 'data-url',
        shape: 'value',
        assetId: picture.assetId,
        mediaType: 'image/png',
      },
    ]);
    expect(candidate?.parameters).toMatchObject({
      width: 1024,
      height: 1824,
      instantid_strength: 0.8,
      steps: 20,
    });
  });

  it('are cut to a smaller count and continued with another framing beyond the set', () => {
    const labels = (count: number) => plan(consistent({ count })).slots.map(({ label }) => label);
    expect(labels(7)).toEqual(labels(8).slice(0, 7));
    expect(labels(10).slice(8)).toEqual(['beach walk, medium', 'café table, close-up']);
    const { slots } = plan(consistent({ count: 10 }));
    expect(slots[8]?.candidates[0]?.parameters['prompt']).toContain('from the waist up');
    expect(slots[8]?.seed).not.toBe(slots[0]?.seed);
  });

  it.each([8, 9, 10, 7])('add exactly three NSFW pictures after %i others', (count) => {
    const { slots } = plan(consistent({ count, nsfw: true }));
    expect(slots.slice(count).map(({ label }) => label)).toEqual([
      'NSFW front',
      'NSFW side',
      'NSFW three-quarter',
    ]);
    expect(slots[count]?.candidates[0]?.parameters).toMatchObject({ width: 1024, height: 1824 });
    expect(slots[count + 2]?.candidates[0]?.parameters).toMatchObject({ width: 1024, height: 1280 });
    expect(slots[count]?.candidates[0]?.parameters['prompt']).toContain('adult over 25');
    expect(slots[0]?.candidates[0]?.parameters['prompt']).not.toContain('nude');
  });

  it('in fast mode are made without a face, and say so', () => {
    const { slots } = plan(profilePictures({ mode: 'fast' }));
    expect(slots[0]?.candidates).toHaveLength(1);
    expect(slots[0]?.candidates[0]).toMatchObject({
      endpoint: '/z-image-danrisi',
      identity: 'none',
      parameters: { width: 768, height: 1360, steps: 9 },
    });
  });

  it.each([
    ['consistent without a reference', profilePictures(), 'referenceImageUrl', 'reference_required'],
    ['fast with a reference', consistent({ mode: 'fast' }), 'referenceImageUrl', 'reference_dropped'],
    [
      'NSFW with a prompt about a minor',
      consistent({ nsfw: true, prompt: 'a girl, 16' }),
      'prompt',
      'minor_suggested',
    ],
  ])('%s is refused', (_name, request, field, code) => {
    expect(refusalOf(request)).toMatchObject([{ field, code }]);
  });

  it('are refused as NSFW while that is switched off', () => {
    const off = { ...everythingOn, nsfwEnabled: false };
    expect(refusalOf(consistent({ nsfw: true }), off)).toMatchObject([
      { field: 'nsfw', code: 'nsfw_disabled' },
    ]);
  });

  it('are refused while Modal is not configured, as no one else keeps the face', () => {
    expect(refusalOf(consistent(), without('modal'))).toMatchObject([{ field: 'providers' }]);
  });
});
