import * as tf from '@tensorflow/tfjs-core';

/**
 * Where the native backend computes. tfjs-node-gpu falls back to the CPU without a word where it finds no CUDA; this
 * field of its backend tells.
 */
export function tensorFlowDevice(): 'GPU' | 'CPU' {
  return (tf.backend() as unknown as { readonly isUsingGpuDevice?: boolean }).isUsingGpuDevice ? 'GPU' : 'CPU';
}
