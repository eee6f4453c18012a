import { type LayersModel, layers, model as modelOf, input as placeholder } from '@tensorflow/tfjs-layers';

/**
 * ResNet-20 for 32 × 32 images (He et al. 2016, section 4.2): three blocks each of 16, 32 and 64 channels, with projections
 * where the shape changes; this registers no kernel.
 */
export function resnet20(): LayersModel {
  type Node = ReturnType<typeof placeholder>;
  const unit = (x: Node, filters: number, kernelSize: number, strides: number): Node => {
    const options = { filters, kernelSize, strides, padding: 'same', useBias: false } as const;
    const y = layers.conv2d({ ...options, kernelInitializer: 'heNormal' }).apply(x);
    return layers.batchNormalization().apply(y) as Node;
  };
  const relu = (x: Node): Node => layers.reLU().apply(x) as Node;
  const inputs = placeholder({ shape: [32, 32, 3] });
  let x = relu(unit(inputs, 16, 3, 1));
  for (const filters of [16, 32, 64])
    for (let i = 0; i < 3; i++) {
      const strides = i === 0 && filters > 16 ? 2 : 1;
      const shortcut = strides === 1 ? x : unit(x, filters, 1, strides);
      const y = unit(relu(unit(x, filters, 3, strides)), filters, 3, 1);
      x = relu(layers.add().apply([y, shortcut]) as Node);
    }
  x = layers.globalAveragePooling2d({ dataFormat: 'channelsLast' }).apply(x) as Node;
  return modelOf({ inputs, outputs: layers.dense({ units: 10 }).apply(x) as Node });
}
