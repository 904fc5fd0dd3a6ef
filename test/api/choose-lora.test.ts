import { chooseLora, type AskedLora } from '../../src/api/generations/choose-lora';
import type { Lora } from '../../src/db';

function lora(id: string, fields: Partial<Lora> = {}): Lora {
  return {
    characterId: 'ava',
    id,
    baseModel: 'flux',
    triggerWord: `${id}word`,
    status: 'ready',
    defaultStrength: 0.7,
    isDefault: false,
    createdAt: '',
    updatedAt: '',
    ...fields,
  };
}

describe('chooseLora', () => {
  it.each<[string, Lora[], Partial<AskedLora>, object]>([
    [
      'takes the named one',
      [lora('a', { isDefault: true }), lora('b')],
      { loraId: 'b' },
      { loraId: 'b', triggerWord: 'bword' },
    ],
    ['takes the default', [lora('a'), lora('b', { isDefault: true })], {}, { loraId: 'b' }],
    ['takes the only trained one', [lora('a', { status: 'failed' }), lora('b')], {}, { loraId: 'b' }],
    ["uses the LoRA's own strength", [lora('a')], {}, { strength: 0.7 }],
    [
      'takes another one than the default where only that fits the asked model',
      [lora('a', { isDefault: true }), lora('b', { baseModel: 'qwen' })],
      { bases: ['qwen'] },
      { loraId: 'b', baseModel: 'qwen' },
    ],
    [
      'takes the default where it fits as well as others',
      [lora('a', { baseModel: 'qwen' }), lora('b', { isDefault: true })],
      { bases: ['qwen', 'flux'] },
      { loraId: 'b' },
    ],
    [
      'takes the only one that fits where there is no default',
      [lora('a', { baseModel: 'wan' }), lora('b')],
      {},
      { loraId: 'b' },
    ],
    [
      'leaves it to the plan to refuse a default that does not fit',
      [lora('a', { isDefault: true, baseModel: 'wan' }), lora('b', { status: 'training' })],
      {},
      { loraId: 'a' },
    ],
    ['lets the request set the strength', [lora('a')], { loraStrength: 1.2 }, { strength: 1.2 }],
  ])('%s', (_name, loras, asked, chosen) => {
    expect(chooseLora(loras, { bases: ['flux'], ...asked })).toMatchObject({ lora: chosen });
  });

  it.each<[string, Lora[], Partial<AskedLora>, object]>([
    [
      'the named one does not exist',
      [lora('a')],
      { loraId: 'b' },
      { field: 'loraId', code: 'lora_not_found' },
    ],
    [
      'the named one is in training',
      [lora('a', { status: 'training' })],
      { loraId: 'a' },
      { field: 'loraId', code: 'lora_not_ready' },
    ],
    [
      'the default failed to train',
      [lora('a', { status: 'failed', isDefault: true }), lora('b')],
      {},
      { field: 'useLora', code: 'lora_not_ready' },
    ],
    ['there is none', [], {}, { field: 'useLora', code: 'no_trained_lora' }],
    [
      'none is trained',
      [lora('a', { status: 'training' })],
      {},
      { field: 'useLora', code: 'no_trained_lora' },
    ],
    ['several could be meant', [lora('a'), lora('b')], {}, { field: 'loraId', code: 'no_default_lora' }],
    [
      'several fit and the default does not',
      [lora('a', { isDefault: true, baseModel: 'wan' }), lora('b'), lora('c')],
      {},
      { field: 'loraId', code: 'no_default_lora', message: expect.stringMatching(/ b, c$/) as unknown },
    ],
  ])('refuses when %s', (_name, loras, asked, issue) => {
    expect(chooseLora(loras, { bases: ['flux'], ...asked })).toMatchObject({ issue });
  });
});
