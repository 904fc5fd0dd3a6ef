import { pino, type Logger } from 'pino';
import pretty from 'pino-pretty';

/** Readable log lines on standard error, in colour on a terminal. */
export function createConsoleLogger(level: string): Logger {
  const stream = pretty({
    destination: 2,
    sync: true,
    colorize: process.stderr.isTTY,
    translateTime: 'HH:MM:ss',
    ignore: 'pid,hostname',
  });
  return pino({ level }, stream);
}
