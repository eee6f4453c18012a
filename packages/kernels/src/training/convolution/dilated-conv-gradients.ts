import * as tf from '@tensorflow/tfjs-core';
import type { GradientWrapper } from '../../backends/gradient-wrapper';
import type { ConvAttributes } from './conv-geometry';

/**
 * Gradients of dilated convolutions, on every backend; tfjs throws. A convolution with dilation d is one with d − 1 zeros
 * between the taps of its filter, so its input gradient is that of the spread filter, and its filter gradient holds the
 * one that is asked for at every d-th tap.
 */
export const dilatedConvGradients: readonly GradientWrapper[] = [
  dilated('Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter'),
  dilated('DepthwiseConv2dNative', 'DepthwiseConv2dNativeBackpropInput', 'DepthwiseConv2dNativeBackpropFilter'),
];

function dilated(kernelName: string, inputKernel: string, filterKernel: string): GradientWrapper {
  return {
    kernelName,
    wrap: (stock) => ({
      ...stock,
      gradFunc: (dy, saved, attrs) => {
        const { dilations, ...attributes } = attrs as unknown as ConvAttributes;
        const [rows, columns] = Array.isArray(dilations) ? dilations : [dilations ?? 1, dilations ?? 1];
        if (rows === 1 && columns === 1) return stock.gradFunc(dy, saved, attrs);
        const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
        const common = { ...attributes, dilations: [1, 1] };
        return {
          x: () =>
            tf.tidy(() =>
              run(
                inputKernel,
                { dy: dy as tf.Tensor, filter: spreadTaps(filter, rows, columns) },
                {
                  ...common,
                  inputShape: x.shape,
                },
              ),
            ),
          filter: () =>
            tf.tidy(() => {
              const [height, width, inputs, outputs] = filter.shape;
              const filterShape = [(height - 1) * rows + 1, (width - 1) * columns + 1, inputs, outputs];
              const dense = run(filterKernel, { x, dy: dy as tf.Tensor }, { ...common, filterShape });
              return everyTap(dense as tf.Tensor4D, filter.shape, rows, columns);
            }),
        };
      },
    }),
  };
}

const run = (kernelName: string, inputs: tf.NamedTensorMap, attributes: object): tf.Tensor =>
  tf.engine().runKernel(kernelName, inputs, attributes as tf.NamedAttrMap);

/** A filter with zeros between its taps. */
function spreadTaps(filter: tf.Tensor4D, rows: number, columns: number): tf.Tensor4D {
  const [height, width, inputs, outputs] = filter.shape;
  const apart = tf.pad(tf.reshape(filter, [height, 1, width, inputs * outputs]), [
    [0, 0],
    [0, rows - 1],
    [0, 0],
    [0, (columns - 1) * inputs * outputs],
  ]);
  return tf.slice(
    tf.reshape(apart, [height * rows, width * columns, inputs, outputs]) as tf.Tensor4D,
    [0, 0, 0, 0],
    [(height - 1) * rows + 1, (width - 1) * columns + 1, inputs, outputs],
  );
}

/** The taps of a filter that `spreadTaps` spread. */
function everyTap(
  dense: tf.Tensor4D,
  [height, width, inputs, outputs]: [number, number, number, number],
  rows: number,
  columns: number,
): tf.Tensor4D {
  const whole = tf.pad(dense, [
    [0, rows - 1],
    [0, columns - 1],
    [0, 0],
    [0, 0],
  ]);
  const apart = tf.reshape(whole, [height, rows, width, columns * inputs * outputs]);
  return tf.reshape(tf.slice(apart, [0, 0, 0, 0], [height, 1, width, inputs * outputs]), [
    height,
    width,
    inputs,
    outputs,
  ]);
}
