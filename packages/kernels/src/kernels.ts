import type * as tf from '@tensorflow/tfjs-core';
import type { GradientWrapper } from './backends/gradient';
import type { KernelWrapper } from './backends/kernel';
import { fakeQuantKernels } from './fake-quant/kernels';
import { nativeFakeQuantKernels } from './fake-quant/native';
import { fakeQuantBackwardGradient } from './fake-quant/run';
import { webgpuFakeQuantKernels } from './fake-quant/webgpu';
import { conv2DBackpropFilter, conv2DBackpropInput } from './training/convolution/conv-gradients';
import { depthwisePadding } from './training/convolution/conv-padding';
import {
  conv3DBackpropFilter,
  conv3DBackpropInput,
  conv3DBackpropInputGradient,
} from './training/convolution/conv3d-gradients';
import { convolutions } from './training/convolution/convolution';
import { depthwiseBackpropFilter, depthwiseBackpropInput } from './training/convolution/depthwise-gradients';
import { dilatedConvGradients } from './training/convolution/dilated-conv-gradients';
import { broadcasts } from './training/elementwise/broadcast';
import { comparisonGradients } from './training/elementwise/comparison-gradients';
import { geluKernels } from './training/elementwise/gelu';
import { cast, identity, transpose } from './training/elementwise/identity';
import { step } from './training/elementwise/native-step';
import { reluGradientKernels, reluGradients } from './training/elementwise/relu-gradient';
import { batchNorm } from './training/normalization/batch-norm';
import { batchNormGradient } from './training/normalization/batch-norm-gradient';
import { batchNormTrainingKernels } from './training/normalization/batch-norm-training';
import { layerNormalizationKernels } from './training/normalization/layer-normalization';
import { optimizerKernels } from './training/optimizers';
import { avgPoolGrads } from './training/pooling/avg-pool-gradients';
import { maxPoolGrad } from './training/pooling/max-pool-gradient';
import {
  resizeBilinearGrad,
  resizeNearestNeighborGrad,
  wasmResizeNearestNeighborGrad,
} from './training/pooling/resize-gradients';
import { einsum, einsumGradient } from './training/products/einsum';
import { batchMatMul, fusedMatMul } from './training/products/mat-mul';
import { wholeBatches } from './training/products/mat-mul-batches';
import { batchMatMulGradient } from './training/products/mat-mul-gradient';
import { gather } from './training/slices/gather';
import { slices } from './training/slices/slice';
import { tile } from './training/slices/tile';
import { tileGradient } from './training/slices/tile-gradient';
import { unsortedSegmentSum } from './training/slices/unsorted-segment-sum';
import { mean, sum } from './training/sums/sum';

/** The kernels that training needs, each with its backend; where tfjs has one of the same name, ours takes its place. */
export const kernels: readonly (tf.KernelConfig | KernelWrapper)[] = [
  conv2DBackpropFilter,
  conv2DBackpropInput,
  depthwiseBackpropFilter,
  depthwiseBackpropInput,
  ...convolutions,
  ...depthwisePadding,
  ...batchNorm,
  ...batchNormTrainingKernels,
  ...optimizerKernels,
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
  ...broadcasts,
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
  fakeQuantBackwardGradient,
];
