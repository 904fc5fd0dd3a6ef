import type { FieldError } from './field-errors';

const notJson: FieldError = {
  field: 'body',
  code: 'invalid_json',
  message:
    'send one JSON document in UTF-8, with double quotes and without trailing commas, ' +
    'and no keys named __proto__ or constructor.prototype',
};

const oneFile: FieldError = {
  field: 'body',
  code: 'too_many_parts',
  message: 'send a form with the one field "file" only, or the picture as the body',
};

const known: Readonly<Record<string, FieldError>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: notJson,
  FST_ERR_CTP_EMPTY_JSON_BODY: notJson,
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    field: 'body',
    code: 'wrong_length',
    message: 'send as many bytes as the header Content-Length says, or leave the header out',
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    field: 'content-type',
    code: 'unsupported_media_type',
    message:
      'send JSON as application/json; POST /v1/assets takes a file ' +
      'as image/*, video/*, application/octet-stream or multipart/form-data',
  },
  FST_PARTS_LIMIT: oneFile,
  FST_FILES_LIMIT: oneFile,
  FST_FIELDS_LIMIT: oneFile,
};

/**
 * What is wrong with a body the framework could not take, and the way out; empty for any other error.
 *
 * @param limitBytes of the route's body
 */
export function bodyErrors(error: object, limitBytes: number): FieldError[] {
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return [tooLarge(limitBytes)];
  const found = known[code];
  return found === undefined ? [] : [found];
}

function tooLarge(limitBytes: number): FieldError {
  const message =
    `more than ${String(limitBytes)} bytes: ` +
    'upload pictures with POST /v1/assets first, and send their URLs instead';
  return { field: 'body', code: 'too_large', message };
}
