import type { HttpReply } from '../http/http';
import { saveMedia } from '../save-media';
import type { MediaStore, SaveOptions } from '../../domain/media';
import type { ProviderResult } from '../types';

/** Streams a result into the store, and reads what the headers say of it; most routes send none of them. */
export async function storeResult(
  reply: HttpReply,
  media: MediaStore,
  options: SaveOptions,
): Promise<ProviderResult> {
  const asset = await saveMedia(reply, media, options);
  return {
    assets: [asset],
    costUsd: readFigure(reply.header('x-cost-usd')),
    executionSeconds: readFigure(reply.header('x-execution-time-sec')),
  };
}

/** A plain decimal figure; `NaN`, `-1`, `1e999` and the like are no figures. */
export function readFigure(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,9}(\.\d{1,12})?$/.test(header.trim()) ? Number(header) : undefined;
}
