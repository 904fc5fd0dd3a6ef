import { createWriteStream, mkdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** A log that has grown beyond this at a start of the stack becomes `<name>.log.1`. */
const rotateBytes = 10 * 1024 * 1024;
const keptLines = 15;

export interface LogNotice {
  level: 'warn' | 'error';
  message: string;
}

export interface ServiceLog {
  readonly file: string;
  /** Copies every line of a stream into the file. */
  follow(stream: Readable): void;
  /** The last lines, for an error message. */
  tail(): string;
  close(): Promise<void>;
}

/** Appends to `<directory>/<name>.log` and hands on the lines that are warnings or errors. */
export function openServiceLog(
  directory: string,
  name: string,
  onNotice: (notice: LogNotice) => void,
): ServiceLog {
  mkdirSync(directory, { recursive: true });
  const file = path.join(directory, `${name}.log`);
  rotate(file);
  const output = createWriteStream(file, { flags: 'a' });
  const lastLines: string[] = [];
  // A full disk must not end the supervisor.
  output.on('error', (error) =>
    onNotice({ level: 'error', message: `cannot write ${file}: ${error.message}` }),
  );
  const take = (line: string): void => {
    // The last lines of a process may arrive after its end was seen.
    if (output.writable) output.write(`${line}\n`);
    lastLines.push(line);
    if (lastLines.length > keptLines) lastLines.shift();
    const notice = noticeIn(line);
    if (notice !== undefined) onNotice(notice);
  };
  return {
    file,
    follow: (stream) => void createInterface({ input: stream, crlfDelay: Infinity }).on('line', take),
    tail: () => lastLines.join('\n'),
    close: () => new Promise((resolve) => output.end(resolve)),
  };
}

function rotate(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > rotateBytes) renameSync(file, `${file}.1`);
}

/** Levels of pino (as number or word) and of Temporal. */
const jsonLevels: Readonly<Record<string, LogNotice['level']>> = {
  '40': 'warn',
  '50': 'error',
  '60': 'error',
  WARN: 'warn',
  ERROR: 'error',
  FATAL: 'error',
};

/** PostgreSQL's errors and fatal errors were also the answer to a client, which reports what matters. */
const textLevels: Readonly<Record<string, LogNotice['level']>> = {
  WARNING: 'warn',
  ERROR: 'warn',
  FATAL: 'warn',
  PANIC: 'error',
};

/** The warning or error in one line of a log: pino's JSON, Temporal's JSON or PostgreSQL's text. */
export function noticeIn(line: string): LogNotice | undefined {
  if (line.startsWith('{')) return noticeInJson(line);
  const [, word, message] = /\b(WARNING|ERROR|FATAL|PANIC): +(.*)/.exec(line) ?? [];
  const level = word === undefined ? undefined : textLevels[word];
  return level === undefined ? undefined : { level, message: message ?? '' };
}

function noticeInJson(line: string): LogNotice | undefined {
  const entry = parseObject(line);
  const level = jsonLevels[String(entry['level']).toUpperCase()];
  if (level === undefined) return undefined;
  const cause = parseCause(entry['err'] ?? entry['error'] ?? entry['Error']);
  return { level, message: [entry['msg'], cause].filter((part) => typeof part === 'string').join(': ') };
}

function parseObject(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function parseCause(cause: unknown): string | undefined {
  if (typeof cause === 'string') return cause;
  if (typeof cause !== 'object' || cause === null) return undefined;
  if ('message' in cause && typeof cause.message === 'string') return cause.message;
  return 'type' in cause && typeof cause.type === 'string' ? cause.type : undefined;
}
