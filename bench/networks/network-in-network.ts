/** The two networks that benchmarks train, on 32 × 32 images in 10 classes; this registers no kernel. */
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';

const WIDTH = 64;

/** Four convolutions with ReLUs: 3 × 3 and 1 × 1, twice. */
export function fourConvolutions(): LayersModel {
  const convolution = (filters: number, kernelSize: number, inputShape?: number[]) =>
    layers.conv2d({
      filters,
      kernelSize,
      padding: 'same',
      activation: 'relu',
      kernelInitializer: 'heNormal',
      ...(inputShape && { inputShape }),
    });
  return sequential({
    layers: [
      convolution(WIDTH, 3, [32, 32, 3]),
      convolution(WIDTH, 1),
      layers.maxPooling2d({ poolSize: 2 }),
      convolution(WIDTH, 3),
      convolution(10, 1),
      layers.globalAveragePooling2d({ dataFormat: 'channelsLast' }),
      layers.softmax(),
    ],
  });
}

/** Network-in-Network (Lin et al. 2014) as QGen trains it: three blocks of a spatial and two 1 × 1 convolutions. */
export function networkInNetwork(): LayersModel {
  const block = (filters: readonly number[], kernelSize: number, first = false) =>
    filters.flatMap((count, i) => [
      layers.conv2d({
        filters: count,
        kernelSize: i === 0 ? kernelSize : 1,
        padding: 'same',
        ...(first && i === 0 && { inputShape: [32, 32, 3] }),
      }),
      layers.batchNormalization(),
      layers.reLU(),
    ]);
  return sequential({
    layers: [
      ...block([WIDTH, WIDTH, WIDTH], 5, true),
      layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
      ...block([WIDTH, WIDTH, WIDTH], 5),
      layers.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
      ...block([WIDTH, WIDTH], 3),
      layers.conv2d({ filters: 10, kernelSize: 1 }),
      layers.globalAveragePooling2d({}),
      layers.softmax(),
    ],
  });
}
