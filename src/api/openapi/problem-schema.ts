import { z } from 'zod';
import { refusalCodes } from '../../registry';
import { formCodes, places } from '../http/field-errors';
import { problemKinds, type ProblemCode } from '../http/problem-codes';

export const problemCodes = Object.keys(problemKinds) as ProblemCode[];

const fieldCodes = [...new Set([...formCodes, ...refusalCodes, ...problemCodes])].toSorted();

/** The body of every answer that is no success (RFC 9457). Some have further members, such as `links` or `checks`. */
export const problemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.enum(problemCodes),
  todo: z.string().meta({ description: 'What to do' }),
  refused: z
    .enum(['input', 'output'])
    .optional()
    .meta({ description: 'Left out: something else is out of order' }),
  retry: z.strictObject({
    safe: z.boolean().meta({ description: 'The same request with the same key does and pays nothing twice' }),
    helps: z.boolean().meta({ description: 'It may succeed' }),
    afterSeconds: z.number().nullable(),
  }),
  errors: z
    .array(
      z.strictObject({
        field: z.string(),
        in: z.enum(places),
        pointer: z.string().optional().meta({ description: 'JSON pointer into the body' }),
        code: z.enum(fieldCodes),
        message: z.string(),
      }),
    )
    .optional(),
  requestId: z.string(),
});
