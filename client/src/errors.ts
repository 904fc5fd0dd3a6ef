import type { components } from './schema';

/** The body of every answer that is no success (RFC 9457). */
export type Problem = components['schemas']['Problem'];
/** Stable name of what went wrong; see docs/api.md. */
export type ProblemCode = Problem['code'];

/** The API said no. `code` is stable, the message is for people. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly status: number,
    /** Left out: something else than the API answered, such as a gateway. */
    readonly problem: Problem | undefined,
  ) {
    super(problem?.detail ?? `the request was answered with ${String(status)}`);
  }

  get code(): ProblemCode | undefined {
    return this.problem?.code;
  }
}

/** No answer came, also after repeating it where that is safe. What became of the request is not known. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** A generation did not end within the time it was waited for. It goes on. */
export class StillRunning extends Error {
  override readonly name = 'StillRunning';

  constructor(readonly id: string) {
    super(`the generation ${id} has not ended yet; it goes on`);
  }
}

/** Reads what an answer says of itself. */
export async function errorOf(response: Response): Promise<ApiError> {
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json') === true;
  const problem = isProblem
    ? ((await response.json().catch(() => undefined)) as Problem | undefined)
    : undefined;
  return new ApiError(response.status, problem);
}
