import { estimatePriceUsd, findModel } from '../../src/registry';

describe('estimatePriceUsd', () => {
  it.each([
    ['fal-flux-dev', { width: 1024, height: 1024 }, 0.026214],
    ['fal-flux-dev', { width: 832, height: 1472 }, 0.030618],
    ['fal-flux-schnell', { width: 1024, height: 1024 }, 0.003146],
    ['fal-flux-dev-image-to-image', { sourceWidth: 2000, sourceHeight: 1000 }, 0.05],
    ['fal-flux-dev-image-to-image', {}, 0.026214],
    ['fal-seedream-v4.5', { width: 2048, height: 2048 }, 0.04],
    ['fal-flux-dev', {}, 0.019661],
    ['fal-flux-2-edit', { width: 2048, height: 2048, sourceWidth: 2000, sourceHeight: 1000 }, 0.024],
    ['modal-flux-dev', { width: 2048, height: 2048 }, 0.020054],
    ['modal-wan2.6', { frames: 161 }, 0.01897],
    ['comfyui-sdxl-text-to-image', { width: 1024, height: 1024 }, 0],
  ])('prices %s at %j', (id, sized, usd) => {
    expect(estimatePriceUsd(findModel(id), sized)).toBe(usd);
  });
});
