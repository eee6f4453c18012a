import type { GraphParts } from './file/model-proto';

/**
 * Options for `InferenceSession.create` of ONNX Runtime under which a model computes what it was trained to compute.
 *
 * `qdq_matmulnbits_accuracy_level: '1'`: ONNX Runtime joins a DequantizeLinear of weights and the MatMul after it into
 * MatMulNBits, and lets that round its other input to 8 bits (accuracy level 4), which no quantizer of the model has done.
 * Level 1 keeps that input in float32.
 *
 * `disable_quant_qdq: '1'`, where activations are quantized: ONNX Runtime makes integer operators of what lies between a
 * DequantizeLinear and a QuantizeLinear, and rounds biases to multiples of the product of the steps of input and kernel. And
 * (up to 1.32 at least) it makes some that take no 2-bit codes, and then refuses the file.
 */
export interface SessionOptions {
  readonly graphOptimizationLevel: 'all';
  readonly extra: { readonly session: Readonly<Record<string, string>> };
}

/** The options for a graph, new each time: onnxruntime-web writes into what it is given. */
export function sessionOptions({ nodes }: Pick<GraphParts, 'nodes'>): SessionOptions {
  const quantizes = nodes.some(({ op }) => op === 'QuantizeLinear');
  const session: Record<string, string> = quantizes
    ? { disable_quant_qdq: '1' }
    : { qdq_matmulnbits_accuracy_level: '1' };
  return { graphOptimizationLevel: 'all', extra: { session } };
}
