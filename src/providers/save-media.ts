import type { StoredAsset } from '../domain/stored-asset';
import { DeadlineExceeded } from './http/deadlines';
import { ProviderError } from './errors';
import type { HttpReply } from './http/http';
import { TransportError } from './http/transport-error';
import type { MediaStore, SaveOptions } from '../domain/media';

/**
 * Streams a reply's body into the store.
 *
 * @throws the body's own failure before anything the store made of it: a broken connection is no broken picture.
 */
export async function saveMedia(
  reply: Pick<HttpReply, 'body'>,
  media: MediaStore,
  options: SaveOptions,
): Promise<StoredAsset> {
  // The store may also destroy the body with an error of its own.
  let bodyFailure: Error | undefined;
  reply.body.once('error', (error) => {
    const isOfTheWay = error instanceof TransportError || error instanceof DeadlineExceeded;
    if (isOfTheWay || error instanceof ProviderError) bodyFailure = error;
  });
  try {
    return await media.save(reply.body, options);
  } catch (error) {
    options.signal.throwIfAborted();
    throw bodyFailure ?? error;
  } finally {
    reply.body.destroy();
  }
}
