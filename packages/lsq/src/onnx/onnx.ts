// Registers the class of quantized layers, so that a saved model can be loaded where this entry is all that is imported.
import '../layers/quantized-layer-class';

export type { ActivationComparison } from './activation-codes';
export type { KernelComparison } from './compare-kernels';
export type { OutputComparison } from './compare-outputs';
export { exportOnnx, type OnnxModel, type OnnxOptions } from './export-onnx';
export type { OnnxRuntime, OnnxSession } from './runtime';
export type { SessionOptions } from './session-options';
export { type OnnxReport, type VerifyOptions, type VerifyProgress, verifyOnnx } from './verify-onnx';
