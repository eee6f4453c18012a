import type { ElementType } from './element-types';
import {
  bytesField,
  decoded,
  encoded,
  type Fields,
  floatField,
  integerField,
  integersField,
  type Message,
  message,
} from './protobuf';

/** An attribute of a node: an integer, integers, a string, or a float, which JavaScript does not tell from an integer. */
export type Attribute = number | readonly number[] | string | { readonly float: number };

export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A constant of the graph. `bytes` are its elements in little-endian order. */
export interface Initializer {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** An input or output of the graph; a dimension that the data decide has a name. */
export interface Port {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly (number | string)[];
}

export interface GraphParts {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly initializers: readonly Initializer[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

/** The version of the file format that an opset came with (ONNX, docs/Versioning.md, released versions). */
const irVersion = (opset: number): number =>
  opset >= 25 ? 13 : opset >= 24 ? 12 : opset >= 23 ? 11 : opset >= 21 ? 10 : opset >= 19 ? 9 : 8;

/** Numbers of the fields of each message (onnx.proto). */
const MODEL = { irVersion: 1, producer: 2, graph: 7, opset: 8 } as const;
const OPSET = { version: 2 } as const;
const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12 } as const;
const NODE = { input: 1, output: 2, op: 4, attribute: 5 } as const;
const ATTRIBUTE = { name: 1, float: 2, integer: 3, string: 4, integers: 8, type: 20 } as const;
const ATTRIBUTE_TYPE = { float: 1, integer: 2, string: 3, integers: 7 } as const;
const TENSOR = { dims: 1, type: 2, name: 8, raw: 9 } as const;
const VALUE_INFO = { name: 1, type: 2 } as const;
const TYPE = { tensor: 1 } as const;
const TENSOR_TYPE = { element: 1, shape: 2 } as const;
const SHAPE = { dimension: 1 } as const;
const DIMENSION = { value: 1, name: 2 } as const;

/** The bytes of a model (onnx.proto, ModelProto). The same graph gives the same bytes. */
export function modelBytes(graph: GraphParts, opset: number): Uint8Array<ArrayBuffer> {
  return encoded(
    message(
      integerField(MODEL.irVersion, irVersion(opset)),
      bytesField(MODEL.producer, '@qgen/lsq'),
      bytesField(MODEL.graph, graphMessage(graph)),
      bytesField(MODEL.opset, integerField(OPSET.version, opset)),
    ),
  );
}

const graphMessage = ({ name, nodes, initializers, inputs, outputs }: GraphParts): Message =>
  message(
    ...nodes.map((node) => bytesField(GRAPH.node, nodeMessage(node))),
    bytesField(GRAPH.name, name),
    ...initializers.map((each) => bytesField(GRAPH.initializer, tensorMessage(each))),
    ...inputs.map((port) => bytesField(GRAPH.input, portMessage(port))),
    ...outputs.map((port) => bytesField(GRAPH.output, portMessage(port))),
  );

const nodeMessage = ({ op, inputs, output, attributes }: Node): Message =>
  message(
    ...inputs.map((input) => bytesField(NODE.input, input)),
    bytesField(NODE.output, output),
    bytesField(NODE.op, op),
    ...Object.entries(attributes).map(([name, value]) => bytesField(NODE.attribute, attributeMessage(name, value))),
  );

function attributeMessage(name: string, value: Attribute): Message {
  const [type, field] =
    typeof value === 'number'
      ? (['integer', integerField(ATTRIBUTE.integer, value)] as const)
      : typeof value === 'string'
        ? (['string', bytesField(ATTRIBUTE.string, value)] as const)
        : 'float' in value
          ? (['float', floatField(ATTRIBUTE.float, value.float)] as const)
          : (['integers', integersField(ATTRIBUTE.integers, value)] as const);
  return message(bytesField(ATTRIBUTE.name, name), field, integerField(ATTRIBUTE.type, ATTRIBUTE_TYPE[type]));
}

const tensorMessage = ({ name, type, shape, bytes }: Initializer): Message =>
  message(
    shape.length > 0 ? integersField(TENSOR.dims, shape) : undefined,
    integerField(TENSOR.type, type.number),
    bytesField(TENSOR.name, name),
    bytesField(TENSOR.raw, bytes),
  );

function portMessage({ name, type, shape }: Port): Message {
  const dimensions = shape.map((size) =>
    bytesField(
      SHAPE.dimension,
      typeof size === 'number' ? integerField(DIMENSION.value, size) : bytesField(DIMENSION.name, size),
    ),
  );
  const tensor = message(
    integerField(TENSOR_TYPE.element, type.number),
    bytesField(TENSOR_TYPE.shape, message(...dimensions)),
  );
  return message(bytesField(VALUE_INFO.name, name), bytesField(VALUE_INFO.type, bytesField(TYPE.tensor, tensor)));
}

/**
 * The bytes of a model with more nodes and outputs: messages that follow each other are merged (protobuf.dev, Encoding, Last
 * One Wins).
 */
export function extendedBytes(
  bytes: Uint8Array,
  { nodes, outputs }: Pick<GraphParts, 'nodes' | 'outputs'>,
): Uint8Array<ArrayBuffer> {
  const graph = message(
    ...nodes.map((node) => bytesField(GRAPH.node, nodeMessage(node))),
    ...outputs.map((port) => bytesField(GRAPH.output, portMessage(port))),
  );
  const added = encoded(bytesField(MODEL.graph, graph));
  const whole = new Uint8Array(bytes.length + added.length);
  whole.set(bytes);
  whole.set(added, bytes.length);
  return whole;
}

/** An initializer as it was read: its type by number. */
export interface StoredTensor {
  readonly name: string;
  readonly type: number;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** The parts of a file that are read back. */
export interface StoredModel {
  readonly irVersion: number;
  readonly opset: number;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly Omit<Node, 'attributes'>[];
  readonly initializers: ReadonlyMap<string, StoredTensor>;
}

/** Reads what `modelBytes` wrote. Throws a RangeError if the bytes are no model of ONNX. */
export function readModel(bytes: Uint8Array): StoredModel {
  const model = decoded(bytes);
  const [graph] = model.messages(MODEL.graph);
  const version = model.integer(MODEL.irVersion);
  if (!graph || !(version > 0)) throw new RangeError('they hold no graph');
  const names = (number: number) => graph.messages(number).map((port) => port.text(VALUE_INFO.name));
  const initializers = graph.messages(GRAPH.initializer).map(storedTensor);
  return {
    irVersion: version,
    opset: Math.max(0, ...model.messages(MODEL.opset).map((each) => each.integer(OPSET.version))),
    inputs: names(GRAPH.input),
    outputs: names(GRAPH.output),
    nodes: graph.messages(GRAPH.node).map((node) => ({
      op: node.text(NODE.op),
      inputs: node.texts(NODE.input),
      output: node.text(NODE.output),
    })),
    initializers: new Map(initializers.map((tensor) => [tensor.name, tensor])),
  };
}

const storedTensor = (tensor: Fields): StoredTensor => ({
  name: tensor.text(TENSOR.name),
  type: tensor.integer(TENSOR.type),
  shape: tensor.integers(TENSOR.dims),
  bytes: tensor.bytes(TENSOR.raw),
});
