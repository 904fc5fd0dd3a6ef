/** PostgreSQL's own words for "not now": https://www.postgresql.org/docs/current/errcodes-appendix.html */
const unavailableStates = new Set([
  '28000', // login refused
  '28P01', // wrong password
  '3D000', // database does not exist (yet)
  '42P01', // table does not exist: migrations have not run yet
  '53300', // too many connections
  '57014', // statement timeout
  '57P01', // shutting down
  '57P02', // crash of another backend
  '57P03', // starting up
]);

const socketCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
]);

/** `pg` gives these no code. */
const driverMessages = [
  'timeout exceeded when trying to connect',
  'Connection terminated',
  'Query read timeout',
  'Client has encountered a connection error',
  'Cannot use a pool after calling end',
];

/** Whether a failed query says that the database cannot be used right now, rather than that the query was wrong. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  if ('cause' in error && isDatabaseUnavailable(error.cause)) return true;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const text = 'message' in error && typeof error.message === 'string' ? error.message : '';
  if (unavailableStates.has(code) || socketCodes.has(code)) return true;
  // Class 08: connection exceptions.
  if (/^08[0-9A-Z]{3}$/.test(code)) return true;
  return driverMessages.some((message) => text.startsWith(message));
}
