import { createHash } from 'node:crypto';
import { NoAnswer, type PatientClient } from './http-client';
import { pictureProblem } from './picture-problem';

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
    return await pictureProblem(bytes);
  } catch (error) {
    if (error instanceof NoAnswer) return error.message;
    throw error;
  }
}
