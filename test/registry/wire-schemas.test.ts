import { models } from '../../src/registry';
import { parseWire } from '../../src/registry/parse-wire';
import { defaultBodies } from './default-bodies';
import { lora } from './fixtures';
import { wireLimits } from './wire-limits';

describe.each(models.map((model) => [model.backendId, model] as const))('%s', (endpoint, model) => {
  const defaults = defaultBodies[endpoint] ?? {};
  const limits = wireLimits[endpoint] ?? {};
  const accepts = (field: string, value: unknown) =>
    model.parameters.safeParse({ ...defaults, [field]: value }).success;

  it("falls back to its handler's own defaults", () => {
    const asked = {
      prompt: 'a red door',
      seed: 7,
      nsfw: false,
      lora: model.supportsLoRA ? lora() : undefined,
    };
    expect(parseWire(model, asked)).toEqual({ ok: true, parameters: defaults });
  });

  it('has a limit for each of its fields', () => {
    expect(Object.keys(limits).sort()).toEqual(Object.keys(model.parameters.shape).sort());
  });

  it('takes the values at its limits and none just outside', () => {
    for (const [field, { inside, outside }] of Object.entries(limits)) {
      const refused = inside.filter((value) => !accepts(field, value));
      const taken = outside.filter((value) => accepts(field, value));
      expect({ field, refused, taken }).toEqual({ field, refused: [], taken: [] });
    }
  });
});
