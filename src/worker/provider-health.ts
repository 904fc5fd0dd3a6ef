import type { Logger } from 'pino';
import type { ProviderHealthPort } from '../activities/provider-health';
import type { ProviderWatches } from '../activities/provider-watches';
import type { ProviderHealthRecord } from '../domain/provider-health';
import { providerNames, type ProviderName } from '../domain/taxonomy';
import { ProviderBreaker } from './provider-breaker';
import { ProviderHealthBoard } from './provider-health-board';

export interface ProviderHealthOptions {
  /** Reads every provider's health from the database. */
  list: () => Promise<ProviderHealthRecord[]>;
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
export function createProviderHealth({ list, watches, logger }: ProviderHealthOptions): ProviderHealth {
  const breakers = new Map(
    providerNames.map((provider) => [provider, createBreaker(provider, watches, logger)]),
  );
  const onUp = (provider: ProviderName): void => breakers.get(provider)?.reset();
  const board = new ProviderHealthBoard({ list, logger, onUp });
  return {
    start: () => board.start(),
    stop: () => board.stop(),
    downSince: (provider) => board.downSince(provider),
    succeeded: (provider) => breakers.get(provider)?.succeeded(),
    failed(provider, error) {
      // Calls that were under way when it went down tell nothing new.
      if (board.downSince(provider) === undefined) breakers.get(provider)?.failed(error);
    },
  };
}

function createBreaker(
  provider: ProviderName,
  watches: Pick<ProviderWatches, 'reportOutage'>,
  logger: Pick<Logger, 'warn'>,
): ProviderBreaker {
  return new ProviderBreaker({
    report: (reason) => watches.reportOutage(provider, reason),
    onReportFailed: (error) => logger.warn({ err: error, provider }, 'an outage could not be reported'),
  });
}
