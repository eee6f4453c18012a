export { notebookProgress } from '@qgen/core';
export { type DequantizeOptions, dequantizeModel } from './export/dequantize-model';
export { type ExportOptions, exportQuantized, loadQuantized } from './export/export';
export { FakeQuant, type FakeQuantLayerConfig } from './layers/fake-quant-layer';
export type { QuantizedKernel, QuantizedProtocol } from './layers/protocol';
export type { KernelGroups } from './layers/step-view';
export { type CalibrateOptions, type CalibrateProgress, calibrate } from './model/calibrate';
export { freezeKernels, freezeSteps } from './model/freeze';
export { type LayerSize, type ModelSize, modelSize } from './model/model-size';
export { quantizeModel } from './model/quantize-model';
export type {
  ActivationOptions,
  LayerInfo,
  LayerOptions,
  LayerOverride,
  QuantizeOptions,
  QuantizeProgress,
  TrainingOptions,
} from './model/quantize-options';
export { type QuantizedWeight, quantizedWeights } from './model/quantized-weights';
export { summary, summaryAsync } from './model/summary';
export { type FakeQuantOptions, fakeQuant, fakeQuantWithOffset, integerCodes } from './quantizer/fake-quant';
export type { GradientScale } from './quantizer/gradient-scale';
export { type GridOptions, quantizationRange } from './quantizer/grid';
export type { StepScale } from './quantizer/step-scale';
export { type InitialStepOptions, initialStep, type StepInit } from './quantizer/step-size';
export { anneal } from './recipes/anneal';
export { attentionHeads } from './recipes/attention-heads';
export { type DistillationModel, type DistillOptions, distill } from './recipes/distill';
export {
  type FreezeOscillatingOptions,
  freezeOscillating,
  type OscillationFreezer,
} from './recipes/freeze-oscillating';
export {
  type OscillationRegularizer,
  type OscillationRegularizerOptions,
  oscillationRegularizer,
} from './recipes/oscillation-regularizer';
export { type KernelOscillations, type OscillationsOptions, oscillations } from './recipes/oscillations';
export { type ReestimateOptions, reestimateBatchNorm } from './recipes/reestimate-batch-norm';
export { type AnnealedOptions, annealed, type MultiStepOptions, multiStep, type Schedule } from './recipes/schedules';
export { type SharpnessAwareOptions, sharpnessAware } from './recipes/sharpness-aware';
export { expandSoftLabels, type SoftLabelOptions, softLabels, type TopLabels } from './recipes/soft-labels';
export { type Vvtq, type VvtqOptions, vvtq } from './recipes/vvtq';
export { type NoiseRegularizer, type NoiseRegularizerOptions, noiseRegularizer } from './theory/noise-regularizer';
export { type GapBound, gapBoundArgument, type KernelNoise, quantizationNoise } from './theory/quantization-noise';
