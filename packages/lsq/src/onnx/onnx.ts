// Registers the class of quantized layers, so that a saved model can be loaded where this entry is all that is imported.
import '../layers/quantized-layer-class';

export { exportOnnx, type OnnxModel, type OnnxOptions } from './export-onnx';
export type { SessionOptions } from './session-options';
export type { ActivationComparison } from './verify/activation-codes';
export type { KernelComparison } from './verify/compare-kernels';
export type { OutputComparison } from './verify/compare-outputs';
export type { OnnxRuntime, OnnxSession } from './verify/runtime';
export { type OnnxReport, type VerifyOptions, type VerifyProgress, verifyOnnx } from './verify/verify-onnx';
