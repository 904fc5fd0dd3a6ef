import type { Document, DocumentedOperation } from './documented';

type Schema = Record<string, unknown>;

/** What a client of the earlier document would notice, one line each. Whatever is only new is no change for it. */
export function breakingChanges(earlier: Document, later: Document): string[] {
  return Object.entries(earlier.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, before]) => {
      const name = `${method.toUpperCase()} ${path}`;
      const after = later.paths[path]?.[method];
      return after === undefined
        ? [`${name} is gone`]
        : operationChanges(name, { earlier, later, before, after });
    }),
  );
}

function operationChanges(
  name: string,
  {
    earlier,
    later,
    before,
    after,
  }: { earlier: Document; later: Document; before: DocumentedOperation; after: DocumentedOperation },
): string[] {
  const changes: string[] = [];
  if (before.operationId !== after.operationId) changes.push(`${name} is called ${after.operationId} now`);
  if (after['x-scope'] !== before['x-scope']) changes.push(`${name} needs another scope`);
  for (const { name: parameter, required } of after.parameters ?? []) {
    const known = before.parameters?.find((one) => one.name === parameter);
    if (required === true && known?.required !== true) changes.push(`${name} needs ${parameter}`);
  }
  for (const { name: parameter } of before.parameters ?? []) {
    if (after.parameters?.some((one) => one.name === parameter) !== true)
      changes.push(`${name} no longer takes ${parameter}`);
  }
  if (after.requestBody?.required === true && before.requestBody?.required !== true)
    changes.push(`${name} needs a body`);
  for (const [type, { schema }] of Object.entries(before.requestBody?.content ?? {})) {
    const given = after.requestBody?.content[type];
    if (given === undefined) changes.push(`${name} no longer takes ${type}`);
    else changes.push(...schemaChanges(`${name} body`, 'sent', [earlier, schema], [later, given.schema]));
  }
  for (const [status, { content = {} }] of Object.entries(before.responses)) {
    const answered = after.responses[status];
    if (answered === undefined) continue;
    for (const [type, { schema }] of Object.entries(content)) {
      const given = answered.content?.[type];
      if (given === undefined) changes.push(`${name} ${status} is no longer ${type}`);
      else
        changes.push(
          ...schemaChanges(`${name} ${status}`, 'answered', [earlier, schema], [later, given.schema]),
        );
    }
  }
  const isDone = (status: string): boolean => status.startsWith('2');
  for (const status of Object.keys(before.responses).filter(isDone)) {
    if (after.responses[status] === undefined) changes.push(`${name} no longer answers ${status}`);
  }
  return changes;
}

/** `sent`: less is taken. `answered`: less is told, or something that was never told before. */
function schemaChanges(
  where: string,
  direction: 'sent' | 'answered',
  [earlier, beforeSchema]: [Document, unknown],
  [later, afterSchema]: [Document, unknown],
  depth = 0,
): string[] {
  if (depth > 12) return [];
  const before = resolved(earlier, beforeSchema);
  const after = resolved(later, afterSchema);
  const changes: string[] = [];
  const go = (part: string, one: unknown, other: unknown): void => {
    changes.push(...schemaChanges(`${where}${part}`, direction, [earlier, one], [later, other], depth + 1));
  };
  const typesBefore = list(before['type']);
  const typesAfter = list(after['type']);
  const [wide, narrow] = direction === 'sent' ? [typesAfter, typesBefore] : [typesBefore, typesAfter];
  if (typesBefore.length > 0 && narrow.some((type) => !wide.includes(type)))
    changes.push(`${where} has another type`);
  const enumBefore = list(before['enum']);
  const enumAfter = list(after['enum']);
  if (direction === 'sent' && enumAfter.length > 0 && enumBefore.some((value) => !enumAfter.includes(value)))
    changes.push(`${where} takes fewer values`);
  const wasRequired = words(before, 'required');
  const isRequired = words(after, 'required');
  if (direction === 'sent') {
    for (const field of isRequired) if (!wasRequired.includes(field)) changes.push(`${where} needs ${field}`);
  } else {
    for (const field of wasRequired)
      if (!isRequired.includes(field)) changes.push(`${where} may lack ${field}`);
  }
  const fieldsAfter = record(after['properties']);
  for (const [field, schema] of Object.entries(record(before['properties']))) {
    if (fieldsAfter[field] === undefined) changes.push(`${where} has no ${field}`);
    else go(`.${field}`, schema, fieldsAfter[field]);
  }
  if (before['items'] !== undefined && after['items'] !== undefined)
    go('[]', before['items'], after['items']);
  for (const word of ['anyOf', 'oneOf', 'allOf']) {
    const options = list(after[word]);
    list(before[word]).forEach((option, index) => {
      if (options[index] === undefined) changes.push(`${where} has one form less`);
      else go('', option, options[index]);
    });
  }
  return changes;
}

function resolved({ components }: Document, schema: unknown): Schema {
  const { $ref, ...rest } = record(schema);
  if (typeof $ref !== 'string') return rest;
  return { ...components.schemas[$ref.split('/').at(-1) ?? ''], ...rest };
}

/** The words of a schema that are lists of words; forms are objects. */
function words(schema: Schema, name: string): string[] {
  return list(schema[name]).map(String);
}

function list(value: unknown): unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function record(value: unknown): Schema {
  return typeof value === 'object' && value !== null ? (value as Schema) : {};
}
