/** What a person at the terminal should see of a log. */
export interface LogNotice {
  level: 'warn' | 'error';
  message: string;
}

/** Levels of pino (as number or word) and of Temporal. Fatal ones are told with the death they explain. */
const jsonLevels: Readonly<Record<string, LogNotice['level']>> = {
  '40': 'warn',
  '50': 'error',
  WARN: 'warn',
  ERROR: 'error',
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
  if (!line.startsWith('{')) return noticeInText(line);
  const entry = parseObject(line);
  const level = jsonLevels[levelOf(entry)];
  return level === undefined ? undefined : { level, message: messageOf(entry) };
}

/** Message of a JSON line of level fatal: why the process that wrote it is about to end. */
export function fatalIn(line: string): string | undefined {
  const entry = parseObject(line);
  const message = ['60', 'FATAL'].includes(levelOf(entry)) ? messageOf(entry) : '';
  return message === '' ? undefined : message;
}

/** A line without the JSON around its message. */
export function textOf(line: string): string {
  const message = messageOf(parseObject(line));
  return message === '' ? line.trim() : message;
}

function noticeInText(line: string): LogNotice | undefined {
  const [, word, message] = /\b(WARNING|ERROR|FATAL|PANIC): +(.*)/.exec(line) ?? [];
  const level = word === undefined ? undefined : textLevels[word];
  return level === undefined ? undefined : { level, message: message ?? '' };
}

function parseObject(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function levelOf(entry: Record<string, unknown>): string {
  return String(entry['level']).toUpperCase();
}

/** pino takes the message of an error when it is given no other one, so message and cause may be the same text. */
function messageOf(entry: Record<string, unknown>): string {
  const message = typeof entry['msg'] === 'string' ? entry['msg'] : '';
  const cause = parseCause(entry['err'] ?? entry['error'] ?? entry['Error']) ?? '';
  const bare = message.replace(/\.$/, '');
  if (message.includes(cause)) return message;
  return cause.includes(bare) ? cause : `${bare}: ${cause}`;
}

/** pino joins an error and its causes with colons, also after a full stop. */
function parseCause(cause: unknown): string | undefined {
  if (typeof cause === 'string') return cause;
  if (typeof cause !== 'object' || cause === null) return undefined;
  if ('message' in cause && typeof cause.message === 'string') return cause.message.replaceAll('.: ', ': ');
  return 'type' in cause && typeof cause.type === 'string' ? cause.type : undefined;
}
