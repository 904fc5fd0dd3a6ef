/** Why a picture that somebody named could not be had; closed, and part of the API. */
export type ForeignUrlProblem =
  | 'url_invalid'
  | 'url_not_public'
  | 'url_unreachable'
  | 'url_refused'
  | 'url_timeout'
  | 'url_redirects'
  | 'url_too_large'
  | 'data_url_invalid';

/** Thrown when the picture behind a URL cannot be had. Its message is for callers, and names the way out. */
export class ForeignUrlError extends Error {
  override readonly name = 'ForeignUrlError';

  constructor(
    readonly problem: ForeignUrlProblem,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
