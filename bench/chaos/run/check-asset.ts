import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { errorMessage } from '../../../src/stack/error-message';
import { NoAnswer, type PatientClient } from './http-client';

/** Standard deviation below which a picture shows nothing. */
const blankBelow = 2;

/** What is wrong with a delivered picture; `undefined` when it can be read, is what it is called, and shows something. */
export async function assetProblem(
  client: PatientClient,
  asset: { assetId: string | null; assetUrl: string | null },
): Promise<string | undefined> {
  if (asset.assetId === null || asset.assetUrl === null) return 'the slot is completed without a picture';
  try {
    const bytes = await client.download(asset.assetUrl);
    const digest = createHash('sha256').update(bytes).digest('hex');
    if (digest !== asset.assetId) return 'the bytes are not those the picture is named after';
    const { channels } = await sharp(bytes, { failOn: 'warning' }).stats();
    const isBlank = channels.slice(0, 3).every(({ stdev }) => stdev < blankBelow);
    return isBlank ? 'the picture shows nothing' : undefined;
  } catch (error) {
    return error instanceof NoAnswer ? error.message : `cannot be decoded: ${errorMessage(error)}`;
  }
}
