import type { Logger } from 'pino';
import type { ProviderHealthPort } from '../../activities/provider-health';
import type { ProviderWatches } from '../../activities/watches';
import type { ProviderHealthRecord } from '../../domain/provider-health';
import { providerNames, type ProviderName } from '../../domain/taxonomy';
import type { ProviderError } from '../../providers/errors';
import { ProviderBreaker } from './provider-breaker';
import { ProviderHealthBoard } from './provider-health-board';
import { ProviderPauses, type PauseRecords } from './provider-pauses';

export interface ProviderHealthOptions {
  /** Reads every provider's health from the database. */
  list: () => Promise<ProviderHealthRecord[]>;
  pauses: PauseRecords;
  watches: Pick<ProviderWatches, 'reportOutage'>;
  logger: Pick<Logger, 'warn'>;
}

/** The health of all providers as one worker process sees it; reads the database until it is stopped. */
export interface ProviderHealth extends ProviderHealthPort {
  /** Resolves after the first reading, or the first failure to read. */
  start(): Promise<void>;
  stop(): void;
}

/** One breaker per provider, and the gate in front of those that are down. */
export function createProviderHealth(options: ProviderHealthOptions): ProviderHealth {
  const { watches, logger } = options;
  const breakers = new Map(
    providerNames.map((provider) => [provider, createBreaker(provider, watches, logger)]),
  );
  const onUp = (provider: ProviderName): void => breakers.get(provider)?.reset();
  const pauses = new ProviderPauses(options.pauses, logger);
  const list = async (): Promise<ProviderHealthRecord[]> => {
    const [records] = await Promise.all([options.list(), pauses.read()]);
    return records;
  };
  const board = new ProviderHealthBoard({ list, logger, onUp });
  return {
    start: () => board.start(),
    stop: () => board.stop(),
    downSince: (provider) => board.downSince(provider),
    succeeded: (provider) => breakers.get(provider)?.succeeded(),
    busyMs: (provider) => pauses.remainingMs(provider),
    failed(provider, error, app) {
      if (error.retryAfterMs !== undefined && speaksForProvider(error, app))
        pauses.asked(provider, error.retryAfterMs);
      // Calls that were under way when it went down tell nothing new.
      if (board.downSince(provider) === undefined) breakers.get(provider)?.failed(error, app);
    },
  };
}

/** Not our own gate, not a file host beside the provider's API, and not one of several apps that is out alone. */
function speaksForProvider({ code, status }: ProviderError, app: string | undefined): boolean {
  if (code === 'provider_busy' || code === 'media_host_busy') return false;
  return status === 429 || app === undefined;
}

function createBreaker(
  provider: ProviderName,
  watches: Pick<ProviderWatches, 'reportOutage'>,
  logger: Pick<Logger, 'warn'>,
): ProviderBreaker {
  return new ProviderBreaker({
    report: (report) => watches.reportOutage(provider, report),
    onReportFailed: (error) => logger.warn({ err: error, provider }, 'an outage could not be reported'),
  });
}
