import path from 'node:path';

/**
 * The second design this service replaces: BullMQ on Redis, an API and a worker. Retries as in its guide ("Retrying failing
 * jobs": `attempts: 3`, exponential backoff from 1 s); locks, stall checks and everything else by default.
 */
export const queueName = 'pictures';

export const connection = { host: '127.0.0.1', port: Number(process.env['PEER_REDIS_PORT']) };

/** Where the worker leaves a picture for the API. */
export function pictureFile(id: string): string {
  return path.join(process.env['PEER_DIRECTORY'] ?? '.', id);
}
