import { isRecord } from '../http/describe-body';
import { asNode, linkOf, type Graph, type GraphNode } from './graph';
import { checkValue, type NodeError } from './check-value';
import { nodeClasses } from './node-classes';

/** A refusal as `/prompt` sends it. */
export interface GraphRefusal {
  error: { type: string; message: string; details: string; extra_info: Record<string, unknown> };
  node_errors: NodeErrors;
}

export type NodeErrors = Record<
  string,
  { errors: NodeError[]; dependent_outputs: string[]; class_type: string }
>;

/** A graph that can run: the outputs that are valid, and what is wrong with the others. */
export interface ValidGraph {
  graph: Graph;
  outputs: string[];
  nodeErrors: NodeErrors;
}

/** Validates as the server does: structure first, then everything each output depends on. */
export function validateGraph(
  value: unknown,
  inputFileExists: (name: string) => boolean,
): ValidGraph | GraphRefusal {
  if (!isRecord(value)) return refusal('no_prompt', 'No prompt provided', 'No prompt provided');
  const graph: Graph = {};
  for (const [id, entry] of Object.entries(value)) {
    const node = asNode(entry);
    if (node === undefined) {
      const message = 'Cannot execute because a node is missing the class_type property.';
      return refusal('invalid_prompt', message, `Node ID '#${id}'`);
    }
    if (nodeClasses[node.class_type] === undefined) {
      const message = `Cannot execute because node ${node.class_type} does not exist.`;
      return refusal('invalid_prompt', message, `Node ID '#${id}'`);
    }
    graph[id] = node;
  }
  const outputs = Object.keys(graph).filter((id) => classOf(graph, id)?.output_node === true);
  if (outputs.length === 0) return refusal('prompt_no_outputs', 'Prompt has no outputs', '');
  return validateOutputs(graph, outputs, inputFileExists);
}

function validateOutputs(
  graph: Graph,
  outputs: readonly string[],
  inputFileExists: (name: string) => boolean,
): ValidGraph | GraphRefusal {
  const nodeErrors: NodeErrors = {};
  const details: string[] = [];
  const valid = outputs.filter((output) => {
    const verdicts = new OutputCheck(graph, inputFileExists).verdicts(output);
    for (const [id, { errors }] of verdicts) {
      // What stands after a broken node is invalid too, but has no complaint of its own.
      if (errors.length === 0) continue;
      const class_type = graph[id]?.class_type ?? '';
      const known = (nodeErrors[id] ??= { errors, dependent_outputs: [], class_type });
      known.dependent_outputs.push(output);
    }
    const verdict = verdicts.get(output);
    details.push(...(verdict?.errors ?? []).map((error) => `${error.message}: ${error.details}`));
    return verdict?.valid === true;
  });
  if (valid.length > 0) return { graph, outputs: valid, nodeErrors };
  const message = 'Prompt outputs failed validation';
  const failed = refusal('prompt_outputs_failed_validation', message, details.join('\n'));
  return { ...failed, node_errors: nodeErrors };
}

interface Verdict {
  valid: boolean;
  errors: NodeError[];
}

/** A link to a node or an output that does not exist: the real server runs into a Python exception there. */
class BrokenLink extends Error {
  readonly exceptionType: 'KeyError' | 'IndexError';

  constructor(exceptionType: 'KeyError' | 'IndexError', message: string) {
    super(message);
    this.exceptionType = exceptionType;
  }
}

/** Checks everything one output depends on, node by node as the server does. */
class OutputCheck {
  readonly #graph: Graph;
  readonly #inputFileExists: (name: string) => boolean;
  readonly #verdicts = new Map<string, Verdict>();
  readonly #path: string[] = [];

  constructor(graph: Graph, inputFileExists: (name: string) => boolean) {
    this.#graph = graph;
    this.#inputFileExists = inputFileExists;
  }

  /** Verdicts by node. */
  verdicts(output: string): ReadonlyMap<string, Verdict> {
    try {
      this.#isValid(output);
    } catch (error) {
      if (!(error instanceof BrokenLink)) throw error;
      const errors = [exceptionError('exception_during_validation', 'Exception when validating node', error)];
      this.#verdicts.set(output, { valid: false, errors });
    }
    return this.#verdicts;
  }

  /** @throws BrokenLink, which whoever links to this node turns into a complaint. */
  #isValid(id: string): boolean {
    const known = this.#verdicts.get(id);
    if (known !== undefined) return known.valid;
    const node = this.#graph[id];
    if (node === undefined) return true;
    if (this.#path.includes(id)) {
      this.#verdicts.set(id, { valid: false, errors: [cycleError(id)] });
      return false;
    }
    this.#path.push(id);
    try {
      const verdict = this.#check(node);
      // A cycle has complained about this very node on the way.
      if (!this.#verdicts.has(id)) this.#verdicts.set(id, verdict);
    } finally {
      this.#path.pop();
    }
    return this.#verdicts.get(id)?.valid === true;
  }

  #check(node: GraphNode): Verdict {
    const { required = {}, optional = {} } = nodeClasses[node.class_type]?.input ?? {};
    const errors: NodeError[] = [];
    let valid = true;
    for (const [name, spec] of Object.entries({ ...required, ...optional })) {
      const value = node.inputs[name];
      if (value === undefined) {
        if (name in required) {
          errors.push(problem('required_input_missing', 'Required input is missing', name, name));
        }
      } else if (!Array.isArray(value)) {
        errors.push(...checkValue(name, spec, value, this.#inputFileExists));
      } else if (value.length !== 2) {
        const message = 'Bad linked input, must be a length-2 list of [node_id, slot_index]';
        errors.push(problem('bad_linked_input', message, name, name));
      } else {
        const mismatch = this.#mismatch(value, name, spec[0]);
        // Of what stands behind a link of the wrong type the server says nothing.
        if (mismatch === undefined) valid = this.#isLinkedValid(value, name) && valid;
        else errors.push(mismatch);
      }
    }
    return { valid: valid && errors.length === 0, errors };
  }

  #isLinkedValid(value: readonly unknown[], name: string): boolean {
    const id = String(value[0]);
    try {
      return this.#isValid(id);
    } catch (error) {
      if (!(error instanceof BrokenLink)) throw error;
      const message = 'Exception when validating inner node';
      const inner = exceptionError('exception_during_inner_validation', message, error);
      const extra_info = { ...inner.extra_info, input_name: name, linked_node: value };
      this.#verdicts.set(id, { valid: false, errors: [{ ...inner, extra_info }] });
      return false;
    }
  }

  /** The complaint about a link of the wrong type. @throws BrokenLink */
  #mismatch(value: unknown[], name: string, expected: string | readonly string[]): NodeError | undefined {
    const link = linkOf(value);
    const target = link === undefined ? undefined : classOf(this.#graph, link[0]);
    if (link === undefined || target === undefined) throw new BrokenLink('KeyError', `'${String(value[0])}'`);
    const received = target.output[link[1]];
    if (received === undefined) throw new BrokenLink('IndexError', 'tuple index out of range');
    if (received === expected) return undefined;
    const details = `${name}, received_type(${received}) mismatch input_type(${String(expected)})`;
    return problem('return_type_mismatch', 'Return type mismatch between linked nodes', details, name);
  }
}

function problem(type: string, message: string, details: string, name: string): NodeError {
  return { type, message, details, extra_info: { input_name: name } };
}

function exceptionError(type: string, message: string, error: BrokenLink): NodeError {
  const { message: details, exceptionType } = error;
  const traceback = ['  File "/root/ComfyUI/execution.py", line 793, in validate_inputs\n'];
  const extra_info = { exception_message: details, exception_type: exceptionType, traceback };
  return { type, message, details, extra_info };
}

function cycleError(id: string): NodeError {
  return {
    type: 'exception_during_validation',
    message: 'Exception when validating node',
    details: `Dependency cycle at node ${id}`,
    extra_info: {},
  };
}

function classOf(graph: Graph, id: string): (typeof nodeClasses)[string] | undefined {
  return nodeClasses[graph[id]?.class_type ?? ''];
}

function refusal(type: string, message: string, details: string): GraphRefusal {
  return { error: { type, message, details, extra_info: {} }, node_errors: {} };
}
