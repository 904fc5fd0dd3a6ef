import type { StoredAsset } from '../domain/stored-asset';
import { DeadlineExceeded } from './deadlines';
import type { HttpReply } from './http';
import { TransportError } from './transport-error';
import type { MediaStore, SaveOptions } from './types';

/**
 * Streams a reply's body into the store.
 *
 * @throws the body's own failure before anything the store made of it: a broken connection is no broken picture.
 */
export async function saveMedia(
  reply: HttpReply,
  media: MediaStore,
  options: SaveOptions,
): Promise<StoredAsset> {
  // The store may also destroy the body with an error of its own.
  let connectionFailure: Error | undefined;
  reply.body.once('error', (error) => {
    if (error instanceof TransportError || error instanceof DeadlineExceeded) connectionFailure = error;
  });
  try {
    return await media.save(reply.body, options);
  } catch (error) {
    options.signal.throwIfAborted();
    throw connectionFailure ?? error;
  } finally {
    reply.body.destroy();
  }
}
