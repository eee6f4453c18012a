import { type CodeType, codeBytes, type ElementType, FLOAT, INT32, INT64 } from '../file/element-types';
import type { Attribute, GraphParts, Initializer, Node, Port } from '../file/model-proto';

/** A graph of ONNX while it is written. Its functions give the names of tensors. */
export interface Graph {
  readonly opset: number;
  /** The output of an operator. Asked for the same twice, such as a transposition that two layers need, it is one node. */
  node(op: string, inputs: readonly string[], attributes?: Readonly<Record<string, Attribute>>): string;
  /** The operator that a tensor is the output of, if it is of one. */
  opOf(tensor: string): string | undefined;
  /** float32 constants. Those of one name are one; without a name, those of one content. */
  floats(values: ArrayLike<number>, shape?: readonly number[], name?: string): string;
  /** int64 constants of rank 1, as shapes and axes are given. */
  integers(values: readonly number[]): string;
  /** int32 constants, as places of elements are given. */
  indices(values: ArrayLike<number>, shape: readonly number[]): string;
  codes(codes: ArrayLike<number>, shape: readonly number[], type: CodeType, name?: string): string;
  /** min(max(x, lowest), highest). */
  clip(x: string, lowest: number, highest: number): string;
  /** What `clip` was given, if a tensor is of it. */
  clipped(tensor: string): Clipped | undefined;
  /** Notes where the codes of the activations that go into a layer are. */
  observe(observed: ObservedCodes): void;
  input(port: Port): void;
  /** Makes a tensor an output under the name of the port. */
  output(tensor: string, port: Port): void;
  parts(name: string): WrittenGraph;
}

interface Clipped {
  readonly x: string;
  readonly lowest: number;
  readonly highest: number;
}

/** A tensor of codes that what goes into a layer is rounded to. */
export interface ObservedCodes {
  readonly path: string;
  readonly tensor: string;
  readonly rank: number;
  /** As in `Value`. */
  readonly moved: boolean;
  /** Whether there is a step for every index of an axis. */
  readonly several: boolean;
}

/** A graph, and where in it activations have codes. */
export interface WrittenGraph extends GraphParts {
  readonly observed: readonly ObservedCodes[];
}

/** Constants without a name and of up to so many bytes are compared, so that each is there once. */
const COMPARED = 2 ** 16;

/**
 * A graph without nodes.
 *
 * @param reserved the names of inputs and outputs to come, which no other tensor gets
 */
export function emptyGraph(opset: number, reserved: readonly string[]): Graph {
  const nodes = new Map<string, Node>();
  const initializers = new Map<string, Initializer>();
  const inputs: Port[] = [];
  const outputs: Port[] = [];
  const observed: ObservedCodes[] = [];
  const clips = new Map<string, Clipped>();
  const taken = new Set<string>(reserved);

  const unused = (prefix: string): string => {
    let count = taken.size;
    while (taken.has(`${prefix}${count}`)) count++;
    const name = `${prefix}${count}`;
    taken.add(name);
    return name;
  };

  const constant = (type: ElementType, shape: readonly number[], bytes: Uint8Array, name?: string): string => {
    const key = name ?? (bytes.length <= COMPARED ? `${type.name} [${shape}] ${bytes}` : unused('c'));
    const known = initializers.get(key);
    if (known) return known.name;
    const free = name !== undefined && !taken.has(name);
    const made = { name: free ? name : unused(name ?? 'c'), type, shape, bytes };
    taken.add(made.name);
    initializers.set(key, made);
    return made.name;
  };

  const node: Graph['node'] = (op, nodeInputs, attributes = {}) => {
    const key = JSON.stringify([op, nodeInputs, attributes]);
    const known = nodes.get(key);
    if (known) return known.output;
    const output = unused('t');
    nodes.set(key, { op, inputs: nodeInputs, output, attributes });
    return output;
  };

  const floats: Graph['floats'] = (values, shape = [], name) =>
    constant(FLOAT, shape, new Uint8Array(Float32Array.from(values).buffer), name);

  return {
    opset,
    node,
    opOf: (tensor) => [...nodes.values()].find(({ output }) => output === tensor)?.op,
    floats,
    clip(x, lowest, highest) {
      const output = node('Clip', [x, floats([lowest]), floats([highest])]);
      clips.set(output, { x, lowest, highest });
      return output;
    },
    clipped: (tensor) => clips.get(tensor),
    integers: (values) =>
      constant(INT64, [values.length], new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer)),
    indices: (values, shape) => constant(INT32, shape, new Uint8Array(Int32Array.from(values).buffer)),
    codes: (codes, shape, type, name) => constant(type, shape, codeBytes(codes, type), name),
    observe: (codes) => void observed.push(codes),
    input: (port) => void inputs.push(port),
    output(tensor, port) {
      // Whatever it is: an input, or a tensor that is another output too. Of one that is also read on the way ONNX Runtime, up
      // to 1.30 at least, loses the name where it takes out the Identity before a MatMul of a transposed kernel.
      const read = [...nodes.values()].some(({ inputs }) => inputs.includes(tensor));
      nodes.set(`output ${port.name}`, {
        op: read ? 'Max' : 'Identity',
        inputs: [tensor],
        output: port.name,
        attributes: {},
      });
      outputs.push(port);
    },
    parts(name) {
      const used = usedNodes([...nodes.values()], outputs);
      const read = new Set(used.flatMap((each) => each.inputs));
      const constants = [...initializers.values()].filter((each) => read.has(each.name));
      return { name, nodes: used, initializers: constants, inputs, outputs, observed };
    },
  };
}

/** The nodes that outputs depend on, in their order, in which what is read comes first. */
function usedNodes(nodes: readonly Node[], outputs: readonly Port[]): Node[] {
  const needed = new Set(outputs.map(({ name }) => name));
  const used: Node[] = [];
  for (const node of nodes.toReversed()) {
    if (!needed.has(node.output)) continue;
    used.push(node);
    for (const input of node.inputs) needed.add(input);
  }
  return used.reverse();
}
