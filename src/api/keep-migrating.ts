import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { isDatabaseUnavailable, migrate } from '../db';

const retryMs = 1000;

/**
 * Migrates the database as soon as it can be reached, however long that takes. Resolves when it is up to date, or
 * when `signal` aborts.
 *
 * @throws when a migration itself fails: no amount of waiting mends that.
 */
export async function keepMigrating(url: string, logger: Logger, signal: AbortSignal): Promise<void> {
  let isAnnounced = false;
  while (!signal.aborted) {
    try {
      const names = await migrate(url, logger);
      if (names.length > 0) logger.info({ migrations: names }, 'database migrated');
      return;
    } catch (error) {
      if (!isDatabaseUnavailable(error)) throw error;
      if (!isAnnounced) logger.warn({ err: error }, 'the database cannot be reached; trying until it can');
      isAnnounced = true;
    }
    await delay(retryMs, undefined, { signal }).catch(() => undefined);
  }
}
