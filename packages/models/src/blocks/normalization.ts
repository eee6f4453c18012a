import { layers, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { through } from './through';

/**
 * Batch normalization as PyTorch's: epsilon 1e-5 unless said otherwise, and running statistics that keep 0.9 of what they
 * were. (PyTorch writes momentum 0.1 for that, and stores the unbiased variance where tfjs stores the biased one.)
 */
export const batchNorm = (x: SymbolicTensor, name: string, epsilon = 1e-5): SymbolicTensor =>
  through(layers.batchNormalization({ name, epsilon, momentum: 0.9 }), x);

/** Layer normalization over the channels. */
export const layerNorm = (x: SymbolicTensor, name: string, epsilon: number): SymbolicTensor =>
  through(layers.layerNormalization({ name, epsilon }), x);
