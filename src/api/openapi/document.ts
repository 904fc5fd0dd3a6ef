import swagger from '@fastify/swagger';
import type { FastifyContextConfig } from 'fastify';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import type { ApiServer } from '../context';
import { problemKind, type ProblemCode } from '../http/problem-codes';
import { operations, type Operation } from './operations';
import { problemSchema } from './problem-schema';

/** That of package.json, held to it by a test: in the image there is no package.json beside this file. */
const version = '0.1.0';

const about = `Makes pictures and clips of a character, durably. A start answers at once with an id, and the work goes on.

Send \`Idempotency-Key\` with every start: after a 503 or a lost connection the same request with the same key is the
same generation, and cannot be paid twice. Answers may gain fields; what is not known to you, leave alone.`;

type Json = Record<string, unknown>;
/** As far as this file looks into the document. */
interface OperationObject extends Json {
  parameters?: Json[];
  requestBody?: Json & { required?: boolean; content: Record<string, Json> };
  responses: Record<string, Json>;
  'x-route'?: Pick<FastifyContextConfig, 'access' | 'effect' | 'opensByLink'>;
}
interface Document extends Json {
  paths: Record<string, Record<string, OperationObject>>;
  components: { schemas: Record<string, Json> };
}

/** Collects the routes that are added after it for the OpenAPI document. */
export async function collectRoutes(app: ApiServer): Promise<void> {
  const toJsonSchema = createJsonSchemaTransform({ skipList: [] });
  const toComponents = createJsonSchemaTransformObject({});
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'ryla-generation', version, description: about },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description:
              'An API key, or a token of the configured identity provider. In open mode nothing is asked.',
          },
          link: {
            type: 'apiKey',
            in: 'query',
            name: 'signature',
            description: 'A link of `POST /v1/assets/{id}/links`, as it was answered.',
          },
        },
      },
    },
    transform: (route) => {
      // Routes of plug-ins may have none, whatever the type says.
      const { config = {} } = route.route as { config?: FastifyContextConfig };
      const { access, effect, opensByLink } = config;
      const given = { ...route.schema };
      const { schema, url } = toJsonSchema({ ...route, schema: given });
      const isHidden = ![route.route.method]
        .flat()
        .some((method) => keyOf(method, pathOf(url)) in operations);
      return {
        url,
        schema: {
          ...schema,
          ...(given.hide === true || isHidden ? { hide: true } : {}),
          'x-route': { access, effect, opensByLink },
        },
      };
    },
    transformObject: (documents) => complete(toComponents(documents) as unknown as Document) as never,
  });
}

function pathOf(url: string): string {
  return url.replaceAll(/:(\w+)/g, '{$1}');
}

function keyOf(method: string, path: string): string {
  return `${method.toUpperCase()} ${path}`;
}

/** Adds what zod schemas do not tell: who may call, what may go wrong, examples; and bodies that are no JSON. */
function complete(document: Document): Document {
  for (const [path, methods] of Object.entries(document.paths)) {
    const completedMethods = Object.entries(methods).flatMap(([method, operation]) => {
      const described = operations[keyOf(method, path)];
      return described === undefined
        ? []
        : [[method, completed(operation, { method, path, described })] as const];
    });
    document.paths[path] = Object.fromEntries(completedMethods);
  }
  document.components.schemas = tidied(document);
  document.components.schemas['Problem'] = withoutDialect(z.toJSONSchema(problemSchema));
  return document;
}

function completed(
  operation: OperationObject,
  { method, path, described }: { method: string; path: string; described: Operation },
): OperationObject {
  const { access = 'public', effect, opensByLink = false } = operation['x-route'] ?? {};
  const { id, tag, summary, problems, example } = described;
  const parameters = [...(operation.parameters ?? []), ...(effect === 'keyed' ? [idempotencyKey] : [])];
  const requestBody = path === '/v1/assets' && method === 'post' ? upload : bodyOf(operation, example);
  const successes = successesOf(operation, { method, path });
  const usual = usualProblems({ access, path, hasBody: requestBody !== undefined });
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(access !== 'public' && {
      description: `Needs a key with the scope \`${access}\`.`,
      'x-scope': access,
    }),
    security: access === 'public' ? [] : [{ bearer: [access] }, ...(opensByLink ? [{ link: [] }] : [])],
    ...(parameters.length > 0 && { parameters }),
    ...(requestBody !== undefined && { requestBody }),
    responses: { ...successes, ...problemResponses([...problems, ...usual]) },
  };
}

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'Made anew for every job. A repeat with the same body is the same generation.',
  schema: { type: 'string', pattern: String.raw`^[!-~]([ -~]{0,253}[!-~])?$` },
};

/** Such a body may be left out, or be `null`. */
function bodyOf({ requestBody }: OperationObject, example: unknown): OperationObject['requestBody'] {
  const media = requestBody?.content['application/json'];
  if (requestBody === undefined || media === undefined) return undefined;
  const { anyOf } = media['schema'] as { anyOf?: Json[] };
  const required = anyOf?.some(({ type }) => type === 'null') !== true;
  return {
    required,
    content: { 'application/json': { ...media, ...(example !== undefined && { example }) } },
  };
}

const bytes = { schema: { type: 'string', format: 'binary' } };
const upload = {
  required: true,
  content: {
    'multipart/form-data': {
      schema: {
        type: 'object',
        properties: { file: { type: 'string', format: 'binary' } },
        required: ['file'],
      },
    },
    'image/*': bytes,
    'video/*': bytes,
    'application/octet-stream': bytes,
  },
};

function successesOf(
  { responses }: OperationObject,
  { method, path }: { method: string; path: string },
): OperationObject['responses'] {
  if (method === 'delete') return { 204: { description: 'Done' } };
  if (path === '/v1/assets/{id}') return assetResponses(method);
  if (path.endsWith('/thumbnail')) return thumbnailResponses;
  const header = { description: 'The new resource', schema: { type: 'string' } };
  return Object.fromEntries(
    Object.entries(responses).map(([status, response]) => {
      const isNew = method === 'post' && ['201', '202'].includes(status) && !path.endsWith('/cancel');
      const headers = isNew && path !== '/v1/api-keys' ? { headers: { Location: header } } : {};
      return [status, { ...response, description: STATUS_CODES[status] ?? 'Success', ...headers }];
    }),
  );
}

function assetResponses(method: string): OperationObject['responses'] {
  const content = method === 'get' ? { content: { 'image/*': bytes, 'video/*': bytes } } : {};
  return {
    200: { description: 'The whole file', ...content },
    ...(method === 'get' && { 206: { description: 'The part that `Range` asks for', ...content } }),
    304: { description: 'You have it already (`If-None-Match`)' },
  };
}

const thumbnailResponses = {
  200: { description: 'The thumbnail', content: { 'image/webp': bytes } },
  304: { description: 'You have it already (`If-None-Match`)' },
};

/** What nearly every route may answer. */
function usualProblems({
  access,
  path,
  hasBody,
}: {
  access: string;
  path: string;
  hasBody: boolean;
}): ProblemCode[] {
  const codes: ProblemCode[] = ['invalid_request', 'internal_error'];
  if (path.includes('{')) codes.push('url_too_long');
  if (hasBody) codes.push('too_large', 'unsupported_media_type');
  if (access === 'public') return codes;
  return [
    ...codes,
    ...(['unauthenticated', 'scope_missing', 'caller_unusable', 'rate_limited'] as const),
    ...(['database_unavailable', 'keys_unavailable'] as const),
  ];
}

/** By status: the codes that may come with it. */
function problemResponses(codes: readonly ProblemCode[]): OperationObject['responses'] {
  const sorted = [...new Set(codes)].toSorted();
  const statuses = new Set(sorted.map((code) => problemKind(code).status));
  return Object.fromEntries(
    [...statuses].map((status) => {
      const group = sorted.filter((code) => problemKind(code).status === status);
      const description = group.map((code) => `\`${code}\`: ${problemKind(code).when}`).join('; ');
      const schema = {
        allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: group } } }],
      };
      return [status, { description, content: { 'application/problem+json': { schema } } }];
    }),
  );
}

const componentPrefix = '#/components/schemas/';

/**
 * The schemas that are used. Each stands there twice, as it is sent and as it is answered; one that is only sent keeps the
 * plain name. What is answered may gain fields, so it does not say that it has no others.
 */
function tidied(document: Document): Document['components']['schemas'] {
  const { schemas } = document.components;
  const used = new Set<string>();
  const look = (value: unknown): void => {
    for (const [, name = ''] of JSON.stringify(value).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      if (used.has(name)) continue;
      used.add(name);
      look(schemas[name] ?? {});
    }
  };
  look(document.paths);
  const plain = (name: string): string => {
    const short = name.replace(/Input$/, '');
    return used.has(short) ? name : short;
  };
  const renamed = (_match: string, name: string): string => `"${componentPrefix}${plain(name)}"`;
  const rename = <Value>(value: Value): Value =>
    JSON.parse(JSON.stringify(value).replaceAll(/"#\/components\/schemas\/(\w+)"/g, renamed)) as Value;
  document.paths = rename(document.paths);
  const kept = [...used].toSorted().flatMap((name) => {
    const schema = schemas[name];
    if (schema === undefined) return [];
    return [[plain(name), name.endsWith('Input') ? rename(schema) : opened(rename(schema))] as const];
  });
  return Object.fromEntries(kept);
}

function opened<Value>(value: Value): Value {
  const open = (_key: string, member: unknown): unknown => {
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member;
    const { additionalProperties, ...rest } = member as Json;
    return additionalProperties === false ? rest : member;
  };
  return JSON.parse(JSON.stringify(value, open)) as Value;
}

function withoutDialect(schema: Json): Json {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => name !== '$schema'));
}
