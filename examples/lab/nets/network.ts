import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { SIDE } from '../protocol';

/** Two convolutions and a dense layer, which return logits; a seed gives the same weights in every worker. */
export function network(seed: number): LayersModel {
  const kernelInitializer = (k: number) => ({ className: 'HeNormal', config: { seed: 100 * seed + k } }) as never;
  const convolution = { kernelSize: 3, strides: 2, activation: 'relu' } as const;
  const first = { inputShape: [SIDE, SIDE, 1], filters: 8, name: 'conv1', kernelInitializer: kernelInitializer(1) };
  return sequential({
    layers: [
      layers.conv2d({ ...convolution, ...first }),
      layers.conv2d({ ...convolution, filters: 16, name: 'conv2', kernelInitializer: kernelInitializer(2) }),
      layers.flatten(),
      layers.dense({ units: 10, name: 'dense', kernelInitializer: kernelInitializer(3) }),
    ],
  });
}
