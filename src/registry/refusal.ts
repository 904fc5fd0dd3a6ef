import type { RefusalCode } from './refusal-codes';

/** One reason a request cannot be served, with the way out. */
export interface RefusalIssue {
  /** Request field, dotted. */
  field: string;
  code: RefusalCode;
  message: string;
}

/** Thrown before anything is paid when a request asks for what no route may give. */
export class RequestRefused extends Error {
  readonly issues: readonly RefusalIssue[];

  constructor(issues: readonly [RefusalIssue, ...RefusalIssue[]]) {
    super(issues.map((issue) => `${issue.field}: ${issue.message}`).join('; '));
    this.name = 'RequestRefused';
    this.issues = issues;
  }
}
