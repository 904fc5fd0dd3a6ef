import { STATUS_CODES } from 'node:http';

/** One thing wrong with a request. */
export interface FieldError {
  /** Request field, dotted; `body`, `querystring`, `params` or `headers` where no single field is to blame. */
  field: string;
  /** Stable snake_case code. */
  code: string;
  message: string;
}

export interface HttpProblemOptions {
  errors?: readonly FieldError[];
  /** Sent as `Retry-After`. */
  retryAfterSeconds?: number;
  /** Further members of the answer, such as `links`. */
  extensions?: Readonly<Record<string, unknown>>;
  headers?: Readonly<Record<string, string>>;
  cause?: unknown;
}

/** Thrown by handlers to answer with a problem document (RFC 9457). Its message is for callers. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem';
  readonly errors: readonly FieldError[];
  readonly retryAfterSeconds: number | undefined;
  readonly extensions: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    readonly status: number,
    /** Stable snake_case code. */
    readonly code: string,
    message: string,
    options: HttpProblemOptions = {},
  ) {
    super(message, { cause: options.cause });
    this.errors = options.errors ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.extensions = options.extensions ?? {};
    this.headers = options.headers ?? {};
  }
}

/** The body of a problem answer. */
export function problemDocument(problem: HttpProblem, requestId: string): Record<string, unknown> {
  return {
    type: `urn:ryla-generation:problem:${problem.code}`,
    title: STATUS_CODES[problem.status] ?? 'Error',
    status: problem.status,
    detail: problem.message,
    code: problem.code,
    ...(problem.errors.length > 0 && { errors: problem.errors }),
    ...problem.extensions,
    requestId,
  };
}
