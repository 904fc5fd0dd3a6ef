import { maximumInlinedBytes, type WireInput } from '../domain/plan';
import type { JsonObject, JsonValue, ProviderName } from '../domain/taxonomy';
import { ProviderError } from './errors';
import type { MediaStore } from '../domain/media';

/**
 * The wire body with the input pictures in their fields. `list` shapes collect every input of the same field.
 *
 * @param valueOf how one input is named on this provider's wire: a data URL, an uploaded URL.
 */
export async function withInputs(
  parameters: JsonObject,
  inputs: readonly WireInput[],
  valueOf: (input: WireInput) => Promise<string>,
): Promise<JsonObject> {
  const fields: JsonObject = {};
  for (const input of inputs) {
    fields[input.field] = shape(await valueOf(input), input, fields[input.field]);
  }
  return { ...parameters, ...fields };
}

function shape(value: string, input: WireInput, earlier: JsonValue | undefined): JsonValue {
  const before = Array.isArray(earlier) ? earlier : [];
  if (input.shape === 'list') return [...before, value];
  return input.shape === 'image-url-objects' ? [...before, { image_url: value }] : value;
}

/**
 * A stored picture as base64, with or without the `data:` prefix. Held in memory only as long as the request.
 *
 * @throws ProviderError `input_too_large` above 16 MB; nothing was sent.
 */
export async function inlineInput(
  { assetId, encoding }: WireInput,
  media: MediaStore,
  provider: ProviderName,
): Promise<string> {
  const { stream, mediaType, bytes } = await media.open(assetId);
  if (bytes > maximumInlinedBytes) {
    stream.destroy();
    throw tooLarge(bytes, provider);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  const base64 = Buffer.concat(chunks).toString('base64');
  return encoding === 'base64' ? base64 : `data:${mediaType};base64,${base64}`;
}

function tooLarge(bytes: number, provider: ProviderName): ProviderError {
  const megabytes = (size: number): string => (size / 1024 / 1024).toFixed(1);
  return new ProviderError(
    `An input picture of ${megabytes(bytes)} MB is too large: send one of at most ${megabytes(maximumInlinedBytes)} MB.`,
    { provider, code: 'input_too_large', outcome: 'nothing_sent' },
  );
}
