import { layers, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { Draws } from '../initializers/draws';
import { through } from './through';

/**
 * Every patch of the images made into a token: a convolution whose kernel and stride are the patch, with PyTorch's own
 * initialization, kernel and bias uniform within ±1/√(numbers of a patch). Rows and columns that fill no patch are left out.
 */
export function patches(x: SymbolicTensor, name: string, patch: number, channels: number, draw: Draws): SymbolicTensor {
  const bound = 1 / Math.sqrt(patch * patch * x.shape.at(-1)!);
  const layer = layers.conv2d({
    name,
    filters: channels,
    kernelSize: patch,
    strides: patch,
    padding: 'valid',
    kernelInitializer: draw.uniform(bound),
    biasInitializer: draw.uniform(bound),
  });
  return through(layer, x);
}
