import type { InputSpec } from './node-classes';

/** One complaint about one input of a node. */
export interface NodeError {
  type: string;
  message: string;
  details: string;
  extra_info: Record<string, unknown>;
}

/** Checks a literal input value against its node class. */
export function checkValue(
  name: string,
  spec: InputSpec,
  value: unknown,
  inputFileExists: (name: string) => boolean,
): NodeError[] {
  const [kind, limits = {}] = spec;
  if (limits.image_upload === true) {
    if (typeof value === 'string' && inputFileExists(value)) return [];
    const details = `${name} - Invalid image file: ${String(value)}`;
    return [complain('custom_validation_failed', 'Custom validation failed for node', details, name, value)];
  }
  if (typeof kind !== 'string') return checkChoice(name, kind, value);
  if (kind === 'STRING' || kind === 'COMBO') return [];
  if (kind !== 'INT' && kind !== 'FLOAT') {
    const message = 'Bad linked input, must be a length-2 list of [node_id, slot_index]';
    return [complain('bad_linked_input', message, name, name, value)];
  }
  return checkNumber(name, kind, limits, value);
}

function checkChoice(name: string, choices: readonly string[], value: unknown): NodeError[] {
  if (typeof value === 'string' && choices.includes(value)) return [];
  const list = choices.map((choice) => `'${choice}'`).join(', ');
  const details = `${name}: '${String(value)}' not in [${list}]`;
  return [complain('value_not_in_list', 'Value not in list', details, name, value)];
}

function checkNumber(
  name: string,
  kind: 'INT' | 'FLOAT',
  { min = -Infinity, max = Infinity }: { min?: number; max?: number },
  value: unknown,
): NodeError[] {
  const number = typeof value === 'boolean' || value === null || value === '' ? Number.NaN : Number(value);
  if (
    !Number.isFinite(number) ||
    (kind === 'INT' && typeof value === 'string' && !Number.isInteger(number))
  ) {
    const message = `Failed to convert an input value to a ${kind} value`;
    return [complain('invalid_input_type', message, `${name}, ${String(value)}`, name, value)];
  }
  if (number < min) {
    return [
      complain('value_smaller_than_min', `Value ${number} smaller than min of ${min}`, name, name, value),
    ];
  }
  if (number <= max) return [];
  return [complain('value_bigger_than_max', `Value ${number} bigger than max of ${max}`, name, name, value)];
}

function complain(type: string, message: string, details: string, name: string, value: unknown): NodeError {
  return { type, message, details, extra_info: { input_name: name, received_value: value } };
}
