import { listModels, models } from '../../src/registry';
import { everythingOn, without } from './fixtures';

describe('listModels', () => {
  it('lists every model when nothing is asked for', () => {
    expect(listModels({}, everythingOn)).toHaveLength(models.length);
  });

  it('narrows by mode, capability, NSFW and LoRA', () => {
    const ids = (filter: Parameters<typeof listModels>[0]) =>
      listModels(filter, everythingOn).map(({ id }) => id);
    expect(ids({ mode: 'video' })).toEqual(['modal-wan2.6', 'modal-wan2.6-lora', 'modal-wan2.6-r2v']);
    expect(ids({ mode: 'video', useLora: true })).toEqual(['modal-wan2.6-lora']);
    expect(ids({ mode: 'creating', capability: 'reference-image', useLora: false })).toContain(
      'fal-flux-pulid',
    );
    expect(listModels({ nsfw: true }, everythingOn).every(({ supportsNSFW }) => supportsNSFW)).toBe(true);
    expect(ids({ nsfw: false })).toHaveLength(models.length);
  });

  it('keeps what this deployment cannot use, with the reason', () => {
    const [model] = listModels({ mode: 'variations', capability: 'image-to-image' }, without('modal'));
    expect(model).toMatchObject({ id: 'modal-qwen-image-edit-2511', eligible: false });
    expect(model?.reason).toContain('set its credential');
    const off = listModels({ nsfw: true }, { ...everythingOn, nsfwEnabled: false });
    expect(off.every(({ eligible, reason }) => !eligible && reason === 'NSFW is switched off here')).toBe(
      true,
    );
  });

  it('is plain data that survives JSON', () => {
    const listed = listModels({}, everythingOn);
    expect(JSON.parse(JSON.stringify(listed))).toEqual(listed);
  });
});
