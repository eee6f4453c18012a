import type * as tf from '@tensorflow/tfjs-core';
import type { GradientWrapper } from '../backends/gradient-wrapper';
import type { KernelWrapper } from '../backends/kernel-wrapper';
import { fakeQuantKernels } from '../fake-quant/kernels';
import { nativeFakeQuantKernels } from '../fake-quant/native';
import { webgpuFakeQuantKernels } from '../fake-quant/webgpu';
import { conv2DBackpropFilter, conv2DBackpropInput } from './convolution/conv-gradients';
import { convPadding } from './convolution/conv-padding';
import { conv3DBackpropFilter, conv3DBackpropInput, conv3DBackpropInputGradient } from './convolution/conv3d-gradients';
import { depthwiseBackpropFilter, depthwiseBackpropInput } from './convolution/depthwise-gradients';
import { dilatedConvGradients } from './convolution/dilated-conv-gradients';
import { comparisonGradients } from './elementwise/comparison-gradients';
import { geluKernels } from './elementwise/gelu';
import { cast, identity, transpose } from './elementwise/identity';
import { step } from './elementwise/native-step';
import { reluGradientKernels, reluGradients } from './elementwise/relu-gradient';
import { batchNorm } from './normalization/batch-norm';
import { batchNormGradient } from './normalization/batch-norm-gradient';
import { layerNormalizationKernels } from './normalization/layer-normalization';
import { avgPoolGrads } from './pooling/avg-pool-gradients';
import { maxPoolGrad } from './pooling/max-pool-gradient';
import {
  resizeBilinearGrad,
  resizeNearestNeighborGrad,
  wasmResizeNearestNeighborGrad,
} from './pooling/resize-gradients';
import { einsum, einsumGradient } from './products/einsum';
import { batchMatMul, fusedMatMul } from './products/mat-mul';
import { wholeBatches } from './products/mat-mul-batches';
import { batchMatMulGradient } from './products/mat-mul-gradient';
import { gather } from './slices/gather';
import { slices } from './slices/slice';
import { tile } from './slices/tile';
import { tileGradient } from './slices/tile-gradient';
import { unsortedSegmentSum } from './slices/unsorted-segment-sum';
import { mean, sum } from './sums/sum';

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
  ...reluGradientKernels,
];

/** Gradients, the same on every backend. */
export const gradients: readonly (tf.GradConfig | GradientWrapper)[] = [
  ...dilatedConvGradients,
  conv3DBackpropInputGradient,
  batchNormGradient,
  batchMatMulGradient,
  einsumGradient,
  ...comparisonGradients,
  ...reluGradients,
  tileGradient,
];
