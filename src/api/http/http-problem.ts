import { STATUS_CODES } from 'node:http';
import { shown, type FieldError } from './field-errors';
import { problemKind, type problemKinds, type ProblemCode, type Repeat } from './problem-codes';

export interface HttpProblemOptions {
  errors?: readonly FieldError[];
  /** Sent as `Retry-After`. */
  retryAfterSeconds?: number;
  /** Further members of the answer, such as `links`. */
  extensions?: Readonly<Record<string, unknown>>;
  headers?: Readonly<Record<string, string>>;
  /** What the same request leads to. Left out: as the code says. */
  repeat?: Repeat;
  /** It may have been done all the same, so that another one without the key would do it twice. */
  mayHaveTakenEffect?: boolean;
  cause?: unknown;
}

/** A code and the one status that goes with it. */
type CodeAndStatus = {
  [Code in ProblemCode]: [status: (typeof problemKinds)[Code]['status'], code: Code];
}[ProblemCode];

/** Thrown by handlers to answer with a problem document (RFC 9457). Its message is for callers. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem';
  readonly status: number;
  readonly code: ProblemCode;
  readonly errors: readonly FieldError[];
  readonly retryAfterSeconds: number | undefined;
  readonly extensions: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly repeat: Repeat;
  readonly mayHaveTakenEffect: boolean;

  constructor(...[status, code, message, options = {}]: [...CodeAndStatus, string, HttpProblemOptions?]) {
    super(message, { cause: options.cause });
    this.status = status;
    this.code = code;
    this.errors = options.errors ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.extensions = options.extensions ?? {};
    this.headers = options.headers ?? {};
    this.repeat = options.repeat ?? problemKind(code).repeat;
    this.mayHaveTakenEffect = options.mayHaveTakenEffect ?? this.repeat === 'look_first';
  }

  /** One whose code is known only when it is thrown. */
  static of(code: ProblemCode, message: string, options?: HttpProblemOptions): HttpProblem {
    const known = [problemKind(code).status, code] as CodeAndStatus;
    return new HttpProblem(...known, message, options ?? {});
  }
}

/** What a problem has to know of the request it answers. */
export interface AnsweredRequest {
  requestId: string;
  /** To be repeated without doing anything twice, whatever became of it. */
  isRepeatable: boolean;
}

/** The body of a problem answer. */
export function problemDocument(
  problem: HttpProblem,
  { requestId, isRepeatable }: AnsweredRequest,
): Record<string, unknown> {
  const { status, code, errors, repeat, retryAfterSeconds } = problem;
  const { todo, refused } = problemKind(code);
  return {
    type: `urn:ryla-generation:problem:${code}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: problem.message,
    code,
    todo,
    ...(refused !== undefined && { refused }),
    retry: {
      safe: isRepeatable || !problem.mayHaveTakenEffect,
      helps: repeat !== 'refused' || retryAfterSeconds !== undefined,
      afterSeconds: retryAfterSeconds ?? null,
    },
    ...(errors.length > 0 && { errors: errors.map(shown) }),
    ...problem.extensions,
    requestId,
  };
}
