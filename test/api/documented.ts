import { problemSchema } from '../../src/api/openapi/problem-schema';
import type { Answer, Call } from './test-api';

/** As far as the tests look into the OpenAPI document. */
export interface Document {
  paths: Record<string, Record<string, DocumentedOperation>>;
  components: { schemas: Record<string, Record<string, unknown>> };
  info: { version: string };
}

export interface DocumentedOperation {
  operationId: string;
  'x-scope'?: string;
  security: Record<string, string[]>[];
  parameters?: { name: string; in: string; required?: boolean }[];
  requestBody?: { required: boolean; content: Record<string, { schema: unknown; example?: unknown }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: unknown }> }>;
}

/** The same answer. @throws Error where the document does not know its status, or its code under that status */
export function documented(document: Document, call: Call, answer: Answer): Answer {
  const { status, body, headers } = answer;
  const isProblem = headers.get('content-type')?.startsWith('application/problem+json') === true;
  // An answer to HEAD has no body.
  const isHead = call.method === 'HEAD';
  if (isProblem && !isHead) problemSchema.parse(body);
  const operation = operationOf(document, call);
  // Of what the document does not know only this may be said.
  if (operation === undefined || status === 405) return answer;
  const code = typeof body['code'] === 'string' ? body['code'] : '';
  const name = `${operation.operationId}: ${String(status)} ${code}`;
  const response = operation.responses[String(status)];
  if (response === undefined) throw new Error(`not in the OpenAPI document: ${name}`);
  if (isProblem && !isHead && !response.description.includes(`\`${code}\``)) {
    throw new Error(`not in the OpenAPI document: ${name}`);
  }
  return answer;
}

function operationOf({ paths }: Document, { method = 'GET', url }: Call): DocumentedOperation | undefined {
  const [path = url] = url.split('?', 1);
  const found = Object.keys(paths).find((template) => form(template).test(path));
  return found === undefined ? undefined : paths[found]?.[method.toLowerCase()];
}

function form(template: string): RegExp {
  return new RegExp(`^${template.replaceAll('.', String.raw`\.`).replaceAll(/\{\w+\}/g, '[^/]+')}$`);
}
