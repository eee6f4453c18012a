import { CODE_TYPES } from './element-types';
import type { GraphParts } from './model-proto';

/**
 * Options for `InferenceSession.create` of ONNX Runtime under which a model computes what it was trained to compute.
 *
 * `qdq_matmulnbits_accuracy_level: '1'`: ONNX Runtime joins a DequantizeLinear of weights and the MatMul after it into
 * MatMulNBits, and lets that round its other input to 8 bits (accuracy level 4), which no quantizer of the model has done.
 * Level 1 keeps that input in float32.
 *
 * `disable_quant_qdq: '1'`: where there are 2-bit kernels and quantized activations. ONNX Runtime (1.30 to 1.32) makes
 * integer operators of them that take no 2-bit codes, and then refuses the file.
 */
export interface SessionOptions {
  readonly graphOptimizationLevel: 'all';
  readonly extra: { readonly session: Readonly<Record<string, string>> };
}

/** The options for a graph, new each time: onnxruntime-web writes into what it is given. */
export function sessionOptions({ nodes, initializers }: Pick<GraphParts, 'nodes' | 'initializers'>): SessionOptions {
  const narrow = CODE_TYPES.filter(({ bits }) => bits === 2).map(({ number }) => number);
  const hasNarrow = initializers.some(({ type }) => narrow.includes(type.number));
  const quantizes = nodes.some(({ op }) => op === 'QuantizeLinear');
  return {
    graphOptimizationLevel: 'all',
    extra: {
      session: {
        qdq_matmulnbits_accuracy_level: '1',
        ...(hasNarrow && quantizes && { disable_quant_qdq: '1' }),
      },
    },
  };
}
