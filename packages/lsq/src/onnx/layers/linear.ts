import { codeType, INT32 } from '../file/element-types';
import { activated } from '../graph/activations';
import { floatTensor, kernelTensor } from '../graph/kernels';
import { type LayerCall, outputOf, type Translation, type Weight } from '../graph/layer-call';
import { asInModel, transposed } from '../graph/value';

/** x W + b over the last axis. */
export const dense: Translation = async (call) => {
  const { graph } = call;
  const x = asInModel(graph, call.inputs[0]);
  const weight = (await call.weight('kernel'))!;
  const kernel = isMisread(call, weight)
    ? transposed(graph, kernelTensor(call, weight, { perm: [1, 0], zeros: false }), [1, 0])
    : kernelTensor(call, weight);
  const product = graph.node('MatMul', [x.name, kernel]);
  const bias = await call.weight('bias');
  const sum = bias ? graph.node('Add', [product, floatTensor(graph, bias)]) : product;
  return activated(call, outputOf(call, sum));
};

/** Rows of a table. */
export const embedding: Translation = async (call) => {
  const { graph, config } = call;
  if (config.maskZero) call.refuse('maskZero: true');
  const table = kernelTensor(call, (await call.weight('embeddings'))!);
  const indices = graph.node('Cast', [asInModel(graph, call.inputs[0]).name], { to: INT32.number });
  return outputOf(call, graph.node('Gather', [table, indices], { axis: 0 }));
};

/**
 * Whether ONNX Runtime, up to 1.32 at least, would get the product wrong: its MatMulNBits of 2-bit codes reads beyond the
 * kernel where the number of units is no multiple of 4. A transposed kernel it multiplies without that operator, if it has
 * no zero points.
 */
function isMisread({ graph }: LayerCall, { codes, shape }: Weight): boolean {
  return (
    codes !== null &&
    codeType('kernel', { bits: codes.bits, signed: true }, graph.opset)!.bits === 2 &&
    shape[1] % 4 !== 0
  );
}
