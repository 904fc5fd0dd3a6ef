import fc from 'fast-check';
import { z } from 'zod';

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Any body a wire schema may accept, its limits and its left-out fields among them; rules across fields are not looked at. */
export function bodiesOf(parameters: z.ZodObject): fc.Arbitrary<Record<string, unknown>> {
  return objects(z.toJSONSchema(parameters, { io: 'input' }));
}

function objects({ properties = {}, required = [] }: JsonSchema): fc.Arbitrary<Record<string, unknown>> {
  const fields = Object.entries(properties).map(([name, field]) => [name, valuesOf(field)] as const);
  return fc.record(Object.fromEntries(fields), { requiredKeys: required });
}

function valuesOf(schema: z.core.JSONSchema._JSONSchema): fc.Arbitrary<unknown> {
  if (typeof schema === 'boolean') throw new Error('a field without a type cannot be varied');
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(valuesOf));
  if (schema.type === 'object') return objects(schema);
  if (schema.type === 'string') return strings(schema);
  if (schema.type === 'boolean') return fc.boolean();
  return numbers(schema);
}

function strings({ minLength = 0, maxLength = 50 }: JsonSchema): fc.Arbitrary<string> {
  const anyLength = fc.string({ minLength, maxLength: Math.min(maxLength, 50) });
  return fc.oneof(
    { weight: 4, arbitrary: anyLength },
    { weight: 1, arbitrary: fc.constant('x'.repeat(maxLength)) },
  );
}

/** The limits themselves come up often: that is where two schemas differ. */
function numbers({ type, minimum = 0, maximum = 0 }: JsonSchema): fc.Arbitrary<number> {
  const between =
    type === 'integer'
      ? fc.integer({ min: minimum, max: maximum })
      : fc.double({ min: minimum, max: maximum, noNaN: true });
  return fc.oneof(fc.constantFrom(minimum, maximum), between);
}
