import { jsonAnswer, type Answer } from '../http/answer';

/** One entry of a model error. */
export interface ErrorDetail {
  loc: (string | number)[];
  msg: string;
  type: string;
  ctx?: Record<string, unknown>;
  input?: unknown;
}

/** An error of the model: 422 with a list of details. */
export function modelError(detail: ErrorDetail[]): Answer {
  return jsonAnswer(422, { detail }, { 'x-fal-retryable': 'false' });
}

/** A model error about one field of the body. */
export function fieldError(field: string, type: string, msg: string): Answer {
  return modelError([{ loc: ['body', field], msg, type }]);
}

/** An error of the platform. */
export function platformError(status: number, errorType: string, detail: string): Answer {
  return jsonAnswer(
    status,
    { detail, error_type: errorType },
    { 'x-fal-error-type': errorType, 'x-fal-retryable': String(status >= 500) },
  );
}

export const unauthenticated = jsonAnswer(401, {
  detail: 'Authentication is required to access this application',
});
export const invalidKey = jsonAnswer(401, { detail: 'No user found for Key ID and Secret' });
export const methodNotAllowed = jsonAnswer(405, { detail: 'Method Not Allowed' });
export const requestNotFound = jsonAnswer(404, { detail: 'Request not found' });
export const stillInProgress = jsonAnswer(400, { detail: 'Request is still in progress' });
export const invalidJson = jsonAnswer(422, {
  detail: [{ loc: ['body', 0], msg: 'JSON decode error', type: 'json_invalid', input: {} }],
});

export function unknownApplication(id: string): Answer {
  return jsonAnswer(404, { detail: `Application "${id}" not found` });
}
