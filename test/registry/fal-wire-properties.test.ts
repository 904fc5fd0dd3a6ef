import fc from 'fast-check';
import { falEndpoints } from '../../emulator/fal/endpoints';
import { validateInput } from '../../emulator/fal/validate';
import { models, type ModelDefinition, type SlotSettings } from '../../src/registry';
import { parseWire } from '../../src/registry/parse-wire';
import { bodiesOf } from './body-arbitrary';

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

/** A number of a request's range, or one of the values at which some endpoint's own range ends. */
function numberIn(min: number, max: number, ...edges: number[]) {
  return fc.oneof(fc.constantFrom(min, max, ...edges), fc.double({ min, max, noNaN: true }));
}

const side = fc.integer({ min: 16, max: 128 }).map((sixteenths) => sixteenths * 16);
const sizes = fc.oneof(fc.constant({}), fc.record({ width: side, height: side }));

/** All that a request may ask of an endpoint. */
const settings: fc.Arbitrary<SlotSettings> = fc
  .record({
    prompt: fc.oneof(fc.constant('a red door'), fc.string({ minLength: 1, maxLength: 4000 })),
    negativePrompt: maybe(fc.string({ maxLength: 2000 })),
    size: sizes,
    seed: fc.oneof(fc.constantFrom(0, 4_294_967_295), fc.integer({ min: 0, max: 4_294_967_295 })),
    steps: maybe(fc.oneof(fc.constantFrom(1, 8, 9, 12, 13, 50, 51, 60), fc.integer({ min: 1, max: 60 }))),
    guidance: maybe(numberIn(0, 20, 0.99, 1, 1.5, 1.51)),
    strength: maybe(numberIn(0, 1, 0.009, 0.01)),
    referenceStrength: maybe(numberIn(0, 2)),
    upscaleFactor: maybe(numberIn(1.1, 8, 4, 4.01)),
  })
  .map(({ size, ...fields }) => ({ ...fields, ...size, nsfw: false }));

const falModels = models
  .filter(({ provider }) => provider === 'fal')
  .map((model) => [model.backendId, model] as const);

function endpointOf({ backendId }: ModelDefinition) {
  return falEndpoints.find(({ id }) => id === backendId)!;
}

const url = 'https://files.example/picture.png';
const shapes = { value: url, list: [url], 'image-url-objects': [{ image_url: url }] };

/** The 422 of the emulator, which checks a body as Fal does, for a body together with its pictures. */
function refusalOf(model: ModelDefinition, parameters: Record<string, unknown>): string | undefined {
  const pictures = Object.values(model.inputs).map(({ field, shape }) => [field, shapes[shape]]);
  const result = validateInput(endpointOf(model), { ...parameters, ...Object.fromEntries(pictures) });
  return 'refusal' in result ? result.refusal.body.toString() : undefined;
}

describe.each(falModels)('%s', (_endpoint, model) => {
  it('accepts every body that is planned for it', () => {
    let planned = 0;
    const property = fc.property(settings, (asked) => {
      const wire = parseWire(model, asked);
      if (!wire.ok) return;
      planned += 1;
      expect(refusalOf(model, wire.parameters)).toBeUndefined();
    });
    fc.assert(property, { seed: 20_260_207, numRuns: 400 });
    // A schema that refuses everything would satisfy the property as well.
    expect(planned).toBeGreaterThan(40);
  });

  it('accepts every body the schema of the registry accepts', () => {
    let accepted = 0;
    const property = fc.property(bodiesOf(model.parameters), (body) => {
      const parsed = model.parameters.safeParse(body);
      if (!parsed.success) return;
      accepted += 1;
      expect(refusalOf(model, parsed.data)).toBeUndefined();
    });
    fc.assert(property, { seed: 20_260_208, numRuns: 400 });
    expect(accepted).toBeGreaterThan(40);
  });

  it('has exactly the fields of the schema, as it would drop any other in silence', () => {
    const pictures = Object.values(model.inputs).map(({ field }) => field);
    const held = [...Object.keys(model.parameters.shape), ...pictures];
    expect(held.sort()).toEqual(Object.keys(endpointOf(model).input.shape).sort());
  });
});
