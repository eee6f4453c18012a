import { layers, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { Initializer } from '../initializers/draws';
import { through } from './through';

/**
 * How the border is padded: 'torch' by (kernelSize - 1) / 2 zeros on every side, 'tensorflow' so that ceil(size / stride)
 * places result, with the larger half at the bottom and right. They differ where the stride is not 1.
 */
type Padding = 'torch' | 'tensorflow';

export interface ConvolutionConfig {
  readonly name: string;
  /** Odd. */
  readonly kernelSize: number;
  readonly stride?: number;
  readonly padding?: Padding;
  readonly initializer: Initializer;
}

/** A convolution, with a bias that starts at zero if asked for. */
export function convolution(
  x: SymbolicTensor,
  config: ConvolutionConfig & { readonly filters: number; readonly bias?: boolean },
): SymbolicTensor {
  const { name, filters, kernelSize, stride = 1, bias = false, initializer } = config;
  const [padded, padding] = pad(x, config);
  const layer = { name, filters, kernelSize, strides: stride, padding, useBias: bias };
  return through(layers.conv2d({ ...layer, kernelInitializer: initializer }), padded);
}

/** A depthwise convolution without bias: one filter a channel. */
export function depthwiseConvolution(x: SymbolicTensor, config: ConvolutionConfig): SymbolicTensor {
  const { name, kernelSize, stride = 1, initializer } = config;
  const [padded, padding] = pad(x, config);
  const layer = { name, kernelSize, strides: stride, padding, useBias: false };
  return through(layers.depthwiseConv2d({ ...layer, depthwiseInitializer: initializer }), padded);
}

function pad(
  x: SymbolicTensor,
  { name, kernelSize, stride = 1, padding = 'torch' }: ConvolutionConfig,
): [SymbolicTensor, 'same' | 'valid'] {
  if (kernelSize === 1) return [x, 'valid'];
  if (padding === 'tensorflow' || stride === 1) return [x, 'same'];
  return [through(layers.zeroPadding2d({ name: `${name}_pad`, padding: (kernelSize - 1) / 2 }), x), 'valid'];
}
