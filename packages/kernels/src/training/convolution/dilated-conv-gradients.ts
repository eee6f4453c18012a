import * as tf from '@tensorflow/tfjs-core';
import { type GradientWrapper, gradientOf } from '../../backends/gradient';
import { runKernel } from '../../backends/run-kernel';
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
      gradFunc: gradientOf<tf.Tensor4D, [tf.Tensor4D, tf.Tensor4D], ConvAttributes>((dy, saved, attributes) => {
        const dilations = attributes.dilations ?? 1;
        const [rows, columns] = Array.isArray(dilations) ? dilations : [dilations, dilations];
        if (rows === 1 && columns === 1) return stock.gradFunc(dy, saved, attributes as object as tf.NamedAttrMap);
        const [x, filter] = saved;
        const dense = { ...attributes, dilations: [1, 1] };
        return {
          x: () =>
            tf.tidy(() => {
              const inputs = { dy, filter: spreadTaps(filter, rows, columns) };
              return runKernel(inputKernel, inputs, { ...dense, inputShape: x.shape });
            }),
          filter: () =>
            tf.tidy(() => {
              const [height, width, inputs, outputs] = filter.shape;
              const filterShape = [(height - 1) * rows + 1, (width - 1) * columns + 1, inputs, outputs];
              const spread = runKernel<tf.Tensor4D>(filterKernel, { x, dy }, { ...dense, filterShape });
              return everyTap(spread, filter.shape, rows, columns);
            }),
        };
      }),
    }),
  };
}

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
