import { fatalIn, noticeIn } from '../../local/stack/log-notice';

describe('a line of a log', () => {
  it.each([
    ['Not ready: database.', 'Not ready: database.', 'Not ready: database.'],
    ['Not ready', 'Not ready: database', 'Not ready: database'],
    ['saving failed: no space left', 'no space left', 'saving failed: no space left'],
    ['saving failed.', 'no space left', 'saving failed: no space left'],
    ['No answer.', 'No answer.: 4 DEADLINE', 'No answer: 4 DEADLINE'],
    ['', 'no space left', 'no space left'],
    ['saving failed', undefined, 'saving failed'],
  ])('is shown with its cause, and no text twice: %j caused by %j', (msg, message, shown) => {
    const line = JSON.stringify({ level: 50, msg, ...(message !== undefined && { err: { message } }) });

    expect(noticeIn(line)).toEqual({ level: 'error', message: shown });
  });

  it.each(['fatal', 'FATAL', 60])('of level %j is the reason of a death and no notice', (level) => {
    const line = JSON.stringify({ level, msg: 'no database' });

    expect(fatalIn(line)).toBe('no database');
    expect(noticeIn(line)).toBeUndefined();
  });

  it('is a notice when PostgreSQL or Temporal warns', () => {
    expect(noticeIn('2026-01-01 UTC [1] PANIC:  could not write')).toEqual({
      level: 'error',
      message: 'could not write',
    });
    expect(noticeIn('{"level":"WARN","msg":"slow"}')).toEqual({ level: 'warn', message: 'slow' });
    expect(noticeIn('{"level":"INFO","msg":"fine"}')).toBeUndefined();
    expect(noticeIn('{broken')).toBeUndefined();
  });
});
