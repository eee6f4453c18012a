import type * as tf from '@tensorflow/tfjs-core';
import { avgPoolGrads } from './avg-pool-gradients';
import { batchNorm } from './batch-norm';
import { batchNormGradient } from './batch-norm-gradient';
import { comparisonGradients } from './comparison-gradients';
import { conv2DBackpropFilter, conv2DBackpropInput } from './conv-gradients';
import { convPadding } from './conv-padding';
import { conv3DBackpropFilter, conv3DBackpropInput, conv3DBackpropInputGradient } from './conv3d-gradients';
import { depthwiseBackpropFilter, depthwiseBackpropInput } from './depthwise-gradients';
import { dilatedConvGradients } from './dilated-conv-gradients';
import { einsum, einsumGradient } from './einsum';
import { fakeQuantKernels } from './fake-quant-kernels';
import { gather } from './gather';
import { geluKernels } from './gelu';
import type { GradientWrapper } from './gradient-wrapper';
import { cast, identity, transpose } from './identity';
import type { KernelWrapper } from './kernel-wrapper';
import { layerNormalizationKernels } from './layer-normalization';
import { batchMatMul, fusedMatMul } from './mat-mul';
import { wholeBatches } from './mat-mul-batches';
import { batchMatMulGradient } from './mat-mul-gradient';
import { nativeFakeQuantKernels } from './native/fake-quant';
import { step } from './native/step';
import { maxPoolGrad } from './pool-gradients';
import { resizeBilinearGrad, resizeNearestNeighborGrad, wasmResizeNearestNeighborGrad } from './resize-gradients';
import { slices } from './slice';
import { mean, sum } from './sum';
import { tile } from './tile';
import { tileGradient } from './tile-gradient';
import { unsortedSegmentSum } from './unsorted-segment-sum';
import { webgpuFakeQuantKernels } from './webgpu/fake-quant';

/** The kernels that training needs, each with its backend; where tfjs has one of the same name, ours takes its place. */
export const kernels: readonly (tf.KernelConfig | KernelWrapper)[] = [
  conv2DBackpropFilter,
  conv2DBackpropInput,
  depthwiseBackpropFilter,
  depthwiseBackpropInput,
  ...convPadding,
  ...batchNorm,
  ...avgPoolGrads,
  maxPoolGrad,
  conv3DBackpropFilter,
  conv3DBackpropInput,
  resizeBilinearGrad,
  resizeNearestNeighborGrad,
  wasmResizeNearestNeighborGrad,
  batchMatMul,
  fusedMatMul,
  ...wholeBatches,
  sum,
  mean,
  identity,
  transpose,
  cast,
  ...slices,
  gather,
  tile,
  unsortedSegmentSum,
  ...einsum,
  ...fakeQuantKernels,
  ...geluKernels,
  ...layerNormalizationKernels,
  ...webgpuFakeQuantKernels,
  ...nativeFakeQuantKernels,
  step,
];

/** Gradients, the same on every backend. */
export const gradients: readonly (tf.GradConfig | GradientWrapper)[] = [
  ...dilatedConvGradients,
  conv3DBackpropInputGradient,
  batchNormGradient,
  batchMatMulGradient,
  einsumGradient,
  ...comparisonGradients,
  tileGradient,
];
