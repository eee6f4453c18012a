import { requireCounts, requireKnownOptions } from '@qgen/core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { MODEL_OPTIONS, type ModelOptions, requireImages } from './model-options';

export interface NetworkInNetworkOptions extends ModelOptions {
  /** A convolution has 25 width filters. QGen takes 8 to 12. Default 8. */
  readonly width?: number;
  /** Blocks. QGen takes 2 to 5. Default 3. */
  readonly depth?: number;
  /** Takes images in 0..1 and maps them to -1..1 first. Default false. */
  readonly rescale?: boolean;
}

/**
 * The network-in-network of the QGen paper, in the form of Dziugaite et al. 2020 (arXiv 2010.11924): `depth` blocks of one
 * 3×3 convolution of stride 2 and two 1×1 convolutions with 25 width filters, each with batch normalization (epsilon 1e-3)
 * and ReLU; a last 1×1 convolution to the classes with batch normalization, and the global average, which is the logits.
 * (Theirs has a ReLU before that average too; in short trainings it leaves classes without a gradient.)
 *
 * Takes images of [32, 32, 3] and has 10 classes unless said otherwise. Kernels start with He's initialization from tfjs,
 * biases with 0; the same seed gives the same weights.
 *
 * @throws RangeError if an option is unknown or doesn't fit
 */
export function networkInNetwork(options: NetworkInNetworkOptions = {}): LayersModel {
  requireKnownOptions('networkInNetwork', options, [...MODEL_OPTIONS, 'width', 'depth', 'rescale']);
  const { inputShape = [32, 32, 3], classes = 10, width = 8, depth = 3, rescale = false, seed = 0 } = options;
  requireImages('networkInNetwork', inputShape, classes);
  requireCounts('networkInNetwork', { width, depth });
  if (!Number.isSafeInteger(seed * 1000) || seed < 0)
    throw new RangeError(`networkInNetwork: seed must be an integer from 0 to 2^53 / 1000, got ${seed}`);

  const model = sequential({ name: options.name ?? 'network_in_network' });
  model.add(layers.inputLayer({ inputShape: [...inputShape], name: 'input' }));
  if (rescale) model.add(layers.rescaling({ scale: 2, offset: -1, name: 'to_minus_one_to_one' }));
  let count = 0;
  const convolution = (name: string, filters: number, kernelSize: number, strides: number) => {
    if (kernelSize === 3) model.add(layers.zeroPadding2d({ padding: 1, name: `${name}_pad` }));
    const kernelInitializer = { className: 'HeNormal', config: { seed: seed * 1000 + ++count } } as never;
    model.add(layers.conv2d({ name, filters, kernelSize, strides, kernelInitializer }));
    model.add(layers.batchNormalization({ name: `${name}_norm`, momentum: 0.9 }));
  };
  const relu = (name: string) => model.add(layers.activation({ name: `${name}_relu`, activation: 'relu' }));
  for (let block = 1; block <= depth; block++) {
    for (const [i, kernelSize] of [3, 1, 1].entries()) {
      const name = `conv${block}_${i + 1}`;
      convolution(name, 25 * width, kernelSize, kernelSize === 3 ? 2 : 1);
      relu(name);
    }
  }
  convolution('conv_out', classes, 1, 1);
  model.add(layers.globalAveragePooling2d({ name: 'logits' }));
  return model;
}
