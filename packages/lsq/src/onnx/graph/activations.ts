import type { Graph } from './graph';
import type { LayerCall } from './layer-call';
import { asInModel, type Value } from './value';

type Pointwise = (graph: Graph, x: string) => string;

/** Activation functions of tfjs-layers that work on single elements, by their class names, in operators of ONNX. */
const POINTWISE: Readonly<Record<string, Pointwise>> = {
  linear: (_, x) => x,
  relu: (graph, x) => graph.node('Relu', [x]),
  relu6: (graph, x) => graph.clip(x, 0, 6),
  sigmoid: (graph, x) => graph.node('Sigmoid', [x]),
  hardSigmoid: (graph, x) => graph.node('HardSigmoid', [x], { alpha: { float: 0.2 }, beta: { float: 0.5 } }),
  tanh: (graph, x) => graph.node('Tanh', [x]),
  elu: (graph, x) => graph.node('Elu', [x], { alpha: { float: 1 } }),
  selu: (graph, x) => graph.node('Selu', [x]),
  softplus: (graph, x) => graph.node('Softplus', [x]),
  softsign: (graph, x) => graph.node('Softsign', [x]),
  swish: (graph, x) => graph.node('Mul', [x, graph.node('Sigmoid', [x])]),
  mish: (graph, x) => graph.node('Mul', [x, graph.node('Tanh', [graph.node('Softplus', [x])])]),
  // x Φ(x), in the form that ONNX Runtime knows as one operator.
  gelu(graph, x) {
    const erf = graph.node('Erf', [graph.node('Div', [x, graph.floats([Math.SQRT2])])]);
    const cdf = graph.node('Mul', [x, graph.node('Add', [erf, graph.floats([1])])]);
    return graph.node('Mul', [cdf, graph.floats([0.5])]);
  },
  gelu_new(graph, x) {
    const cube = graph.node('Mul', [graph.node('Mul', [x, x]), x]);
    const inner = graph.node('Add', [x, graph.node('Mul', [cube, graph.floats([0.044715])])]);
    const tanh = graph.node('Tanh', [graph.node('Mul', [inner, graph.floats([Math.sqrt(2 / Math.PI)])])]);
    const half = graph.node('Mul', [x, graph.floats([0.5])]);
    return graph.node('Mul', [half, graph.node('Add', [tanh, graph.floats([1])])]);
  },
};

/** The output of the activation function that a layer's configuration names, if it names one. */
export function activated(call: LayerCall, value: Value): Value {
  const name = (call.config.activation as string | null | undefined) ?? 'linear';
  if (name === 'softmax' || name === 'logSoftmax') return normalized(call, value, name, -1);
  const pointwise = POINTWISE[name];
  if (!pointwise) return call.refuse(`its activation ${name}`);
  return { ...value, name: pointwise(call.graph, value.name) };
}

export function normalized({ graph }: LayerCall, value: Value, name: 'softmax' | 'logSoftmax', axis: number): Value {
  const input = asInModel(graph, value);
  const op = name === 'softmax' ? 'Softmax' : 'LogSoftmax';
  const output = graph.node(op, [input.name], { axis: axis < 0 ? axis + value.shape.length : axis });
  return { ...input, name: output };
}
