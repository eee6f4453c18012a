/**
 * Options for `InferenceSession.create` of ONNX Runtime under which a model computes what it was trained to compute.
 *
 * ONNX Runtime joins a DequantizeLinear of weights and the MatMul after it into MatMulNBits, and lets that round its other
 * input to 8 bits (accuracy level 4), which no quantizer of the model has done. Level 1 keeps that input in float32.
 */
export interface SessionOptions {
  readonly graphOptimizationLevel: 'all';
  readonly extra: { readonly session: Readonly<Record<string, string>> };
}

/** New each time: onnxruntime-web writes into what it is given. */
export const sessionOptions = (): SessionOptions => ({
  graphOptimizationLevel: 'all',
  extra: { session: { qdq_matmulnbits_accuracy_level: '1' } },
});
