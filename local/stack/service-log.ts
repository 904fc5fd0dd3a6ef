import { createWriteStream, mkdirSync, renameSync, statSync } from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fatalIn, noticeIn, textOf, type LogNotice } from './log-notice';

/** A log that has grown beyond this at a start of the stack becomes `<name>.log.1`. */
const rotateBytes = 10 * 1024 * 1024;
const keptLines = 15;

export interface ServiceLog {
  readonly file: string;
  /** Forgets the lines of the run before: `tail`, `fatal` and `lastWords` speak of the present one. */
  beginRun(): void;
  /** Copies every line of a stream into the file. Resolves at the end of the stream. */
  follow(stream: Readable): Promise<void>;
  /** The last lines, for an error message. */
  tail(): string;
  /** Message of the line of level fatal among them, if there is one. */
  fatal(): string | undefined;
  /** The line that best says why the process has ended; empty when it has written nothing. */
  lastWords(): string;
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
  // A full disk must not end the supervisor.
  output.on('error', (error) =>
    onNotice({ level: 'error', message: `cannot write ${file}: ${error.message}` }),
  );
  const lines: string[] = [];
  const take = (line: string): void => {
    // The last lines of a process may arrive after its end was seen.
    if (output.writable) output.write(`${line}\n`);
    lines.push(line);
    if (lines.length > keptLines) lines.shift();
    const notice = noticeIn(line);
    if (notice !== undefined) onNotice(notice);
  };
  return { file, ...aboutRun(lines), follow: (stream) => follow(stream, take), close: () => end(output) };
}

function aboutRun(lines: string[]): Pick<ServiceLog, 'beginRun' | 'tail' | 'fatal' | 'lastWords'> {
  const fatal = (): string | undefined => lines.map(fatalIn).findLast((message) => message !== undefined);
  return {
    beginRun: () => void lines.splice(0),
    tail: () => lines.join('\n'),
    fatal,
    lastWords: () => fatal() ?? mostTelling(lines),
  };
}

/** An uncaught error is followed by its stack and the version of Node, so its line is seldom the last. */
function mostTelling(lines: readonly string[]): string {
  const isError = (line: string): boolean => /^\w*Error\b.*:|\b(FATAL|PANIC):/.test(line);
  const line = lines.findLast(isError) ?? lines.findLast((text) => text.trim() !== '') ?? '';
  return textOf(line);
}

async function follow(stream: Readable, take: (line: string) => void): Promise<void> {
  const reader = createInterface({ input: stream, crlfDelay: Infinity }).on('line', take);
  await once(reader, 'close');
}

function end(output: ReturnType<typeof createWriteStream>): Promise<void> {
  return new Promise((resolve) => void output.end(resolve));
}

function rotate(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > rotateBytes) renameSync(file, `${file}.1`);
}
