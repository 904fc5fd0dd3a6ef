import {
  DefaultLogger,
  makeTelemetryFilterString,
  Runtime,
  type LogEntry,
  type LogLevel,
} from '@temporalio/worker';
import type { Logger } from 'pino';

const levels: Readonly<Record<LogLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error'>> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};

/** Said of every worker that only runs activities, as our provider workers do on purpose. */
const expected = 'No workflows registered, not polling for workflow tasks';

/** Sends the SDK's own log lines through ours. Call once, before the first connection of the process. */
export function installTemporalLogger(logger: Logger): void {
  const forward = ({ level, message, meta }: LogEntry): void => {
    if (message === expected) return;
    // A provider that fails is this service's daily work: the trail shows it, the routing answers it.
    logger[message === 'Activity failed' ? 'info' : levels[level]](meta ?? {}, message);
  };
  Runtime.install({
    logger: new DefaultLogger('INFO', forward),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'WARN' }) } },
  });
}
