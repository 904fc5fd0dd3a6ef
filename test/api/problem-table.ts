import { problemKinds } from '../../src/api/http/problem-codes';

const again = { refused: 'no', may_help: 'may help', look_first: 'look first' } as const;

/** The rows of the table of errors as docs/api.md must have them, without the padding. */
export function problemTable(): string[] {
  const rows = Object.entries(problemKinds).map(
    ([code, { status, when, todo, repeat }]) =>
      `| ${status} | \`${code}\` | ${when} | ${todo} | ${again[repeat]} |`,
  );
  return rows.toSorted();
}
