import { formCodes, type FieldCode, type FieldError, type Place } from './field-errors';

/** What Fastify hands on for a request that a zod schema did not take. */
interface FailedValidation {
  validation: readonly {
    keyword: string;
    instancePath: string;
    message?: string | undefined;
    params: Record<string, unknown>;
  }[];
  validationContext?: string | undefined;
}

/** One entry per field, in the words of the API. Values are never repeated: a prompt does not belong in a log. */
export function validationErrors({ validation, validationContext = 'body' }: FailedValidation): FieldError[] {
  const place = placeOf[validationContext] ?? 'body';
  return validation.flatMap(({ keyword, instancePath, message = 'is not valid', params }) => {
    const path = instancePath.split('/').filter((part) => part !== '');
    if (keyword === 'unrecognized_keys' && Array.isArray(params['keys'])) {
      return params['keys'].map((key) => unknownField([...path, String(key)], place));
    }
    const field = path.length === 0 ? validationContext : path.join('.');
    const isAbsent =
      message.endsWith('received undefined') || (path.length === 0 && message.endsWith('received null'));
    const where = { field, in: place, path };
    if (isAbsent) return [{ ...where, code: 'required', message: 'is required' }];
    return [{ ...where, code: codeOf(keyword), message }];
  });
}

const placeOf: Readonly<Record<string, Place>> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'header',
};

/** The words of zod; one that is new there is called what all rules of our own are called. */
function codeOf(keyword: string): FieldCode {
  return formCodes.find((code) => code === keyword) ?? 'custom';
}

function unknownField(path: readonly string[], place: Place): FieldError {
  return {
    field: path.join('.'),
    in: place,
    path,
    code: 'unknown_field',
    message: 'is not a field of this request',
  };
}
