import type { FieldError } from './http-problem';

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
  return validation.flatMap(({ keyword, instancePath, message = 'is not valid', params }) => {
    const path = instancePath.split('/').filter((part) => part !== '');
    if (keyword === 'unrecognized_keys' && Array.isArray(params['keys'])) {
      return params['keys'].map((key) => unknownField([...path, String(key)]));
    }
    const field = path.length === 0 ? validationContext : path.join('.');
    const isAbsent =
      message.endsWith('received undefined') || (path.length === 0 && message.endsWith('received null'));
    if (isAbsent) return [{ field, code: 'required', message: 'is required' }];
    return [{ field, code: keyword, message }];
  });
}

function unknownField(path: readonly string[]): FieldError {
  return { field: path.join('.'), code: 'unknown_field', message: 'is not a field of this request' };
}
