import type { JsonObject, JsonValue } from '../../domain/taxonomy';

/** A wire body without the fields nobody set, so that the endpoint's schema completes them. */
export function wireBody(fields: Record<string, JsonValue | undefined>): JsonObject {
  const body: JsonObject = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) body[name] = value;
  }
  return body;
}
