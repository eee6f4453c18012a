import type { LayersModel } from '@tensorflow/tfjs-layers';
import { layers, sequential } from '@tensorflow/tfjs-layers';

/**
 * The Network-in-Network of the paper, in the form of Dziugaite et al. 2020 (arXiv 2010.11924): `depth` blocks of one
 * 3×3 convolution of stride 2 and two 1×1 convolutions with 25·width filters, each with batch normalization and ReLU;
 * a last 1×1 convolution to the classes with batch normalization, and the global average, which is the logits.
 * (Theirs has a ReLU before that average too; in short trainings it leaves classes without a gradient.)
 * Takes images in 0..1. The same seed gives the same initial weights.
 */
export function networkInNetwork({
  shape,
  classes,
  width,
  depth,
  seed,
}: {
  readonly shape: readonly [number, number, number];
  readonly classes: number;
  readonly width: number;
  readonly depth: number;
  readonly seed: number;
}): LayersModel {
  const model = sequential({ name: 'network_in_network' });
  model.add(layers.rescaling({ inputShape: [...shape], scale: 2, offset: -1, name: 'to_minus_one_to_one' }));
  let count = 0;
  const convolution = (name: string, filters: number, kernelSize: number, strides: number) => {
    if (kernelSize === 3) model.add(layers.zeroPadding2d({ padding: 1, name: `${name}_pad` }));
    const kernelInitializer = { className: 'HeNormal', config: { seed: seed * 1000 + ++count } };
    model.add(layers.conv2d({ name, filters, kernelSize, strides, kernelInitializer: kernelInitializer as never }));
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
