import { isRecord } from '../describe-body';
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
  const valid = outputs.filter((output) => {
    const broken = brokenNodes(graph, output, inputFileExists);
    for (const [id, errors] of broken) {
      const known = (nodeErrors[id] ??= {
        errors,
        dependent_outputs: [],
        class_type: graph[id]?.class_type ?? '',
      });
      known.dependent_outputs.push(output);
    }
    return broken.size === 0;
  });
  if (valid.length > 0) return { graph, outputs: valid, nodeErrors };
  return {
    ...refusal('prompt_outputs_failed_validation', 'Prompt outputs failed validation', ''),
    node_errors: nodeErrors,
  };
}

/** Errors by node of everything one output depends on. */
function brokenNodes(
  graph: Graph,
  output: string,
  inputFileExists: (name: string) => boolean,
): Map<string, NodeError[]> {
  const broken = new Map<string, NodeError[]>();
  const path: string[] = [];
  const seen = new Set<string>();
  const visit = (id: string): void => {
    if (path.includes(id)) {
      broken.set(id, [cycleError(id)]);
      return;
    }
    const node = graph[id];
    if (seen.has(id) || node === undefined) return;
    seen.add(id);
    path.push(id);
    const errors = nodeProblems(graph, node, inputFileExists);
    if (errors.length > 0) broken.set(id, errors);
    for (const value of Object.values(node.inputs)) {
      const link = linkOf(value);
      if (link !== undefined) visit(link[0]);
    }
    path.pop();
  };
  visit(output);
  return broken;
}

function nodeProblems(
  graph: Graph,
  node: GraphNode,
  inputFileExists: (name: string) => boolean,
): NodeError[] {
  const specification = nodeClasses[node.class_type];
  if (specification === undefined) return [];
  const { required, optional = {} } = specification.input;
  const missing = Object.keys(required)
    .filter((name) => node.inputs[name] === undefined)
    .map((name) => problem('required_input_missing', 'Required input is missing', name, name));
  const given = Object.entries({ ...optional, ...required }).filter(
    ([name]) => node.inputs[name] !== undefined,
  );
  const wrong = given.flatMap(([name, spec]) => {
    const value = node.inputs[name];
    const link = linkOf(value);
    if (link !== undefined) return linkProblems(graph, link, name, spec[0]);
    return checkValue(name, spec, value, inputFileExists);
  });
  return [...missing, ...wrong];
}

function linkProblems(
  graph: Graph,
  [id, index]: [string, number],
  name: string,
  expected: string | readonly string[],
): NodeError[] {
  const target = classOf(graph, id);
  const received = target?.output[index];
  if (received === undefined) {
    const message = 'Bad linked input, must be a length-2 list of [node_id, slot_index]';
    return [problem('bad_linked_input', message, name, name)];
  }
  if (received === expected) return [];
  const details = `${name}, received_type(${received}) mismatch input_type(${String(expected)})`;
  return [problem('return_type_mismatch', 'Return type mismatch between linked nodes', details, name)];
}

function problem(type: string, message: string, details: string, name: string): NodeError {
  return { type, message, details, extra_info: { input_name: name } };
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
