export { type CalibrateOptions, type CalibrateProgress, calibrate } from './calibrate';
export { type DequantizeOptions, dequantizeModel } from './dequantize-model';
export { type ExportOptions, exportQuantized, loadQuantized } from './export';
export { type FakeQuantOptions, fakeQuant, fakeQuantWithOffset, integerCodes } from './fake-quant';
export { freezeKernels, freezeSteps } from './freeze';
export type { GradientScale } from './gradient-scale';
export { type GridOptions, quantizationRange } from './grid';
export { FakeQuant, type FakeQuantLayerConfig } from './layers/fake-quant-layer';
export type { QuantizedKernel, QuantizedProtocol } from './layers/protocol';
export { type LayerSize, type ModelSize, modelSize } from './model-size';
export { type GapBound, gapBoundArgument, type KernelNoise, quantizationNoise } from './noise';
export { type NoiseRegularizer, type NoiseRegularizerOptions, noiseRegularizer } from './noise-regularizer';
export type {
  ActivationOptions,
  LayerInfo,
  LayerOptions,
  LayerOverride,
  QuantizeOptions,
  QuantizeProgress,
  TrainingOptions,
} from './quantization-plan';
export { quantizeModel } from './quantize-model';
export { type QuantizedWeight, quantizedWeights } from './quantized-weights';
export type { StepScale } from './step-scale';
export { type InitialStepOptions, initialStep, type StepInit } from './step-size';
export { summary, summaryAsync } from './summary';
