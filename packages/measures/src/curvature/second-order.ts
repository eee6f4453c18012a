import { registerKernels } from '@qgen/kernels/register';
import * as tf from '@tensorflow/tfjs-core';
import { maxPoolGradTransposed } from './pool-transpose';

/**
 * Makes gradients of gradients right for the operations of ordinary networks, for all of tfjs, until the returned
 * function is called. In tfjs 4.22 the second derivative throws for conv2d, depthwiseConv2d, pooling, max, elu, selu,
 * leakyRelu, relu6, clipByValue, maximum, and is silently wrong wherever a gradient reads the saved output of its own
 * operation (exp, tanh, sigmoid, softmax), because that output counts as a constant. First derivatives keep their
 * values. Of several calls the last one that is undone puts the gradients of tfjs back. The Hessians of this package
 * enable it for themselves; call it for gradients of gradients of your own. Registers the training kernels too, which
 * stay: see `registerKernels`.
 *
 * `tf.logSoftmax` and `tf.losses.softmaxCrossEntropy` bring a gradient of their own that no registration reaches; their
 * second derivatives stay wrong. Write `log(softmax(z))`, or `log(sum(exp(z))) - z_y`, instead.
 *
 * Masks of piecewise linear operations are constants: at a kink the second derivative is the one of the active side.
 */
export function enableSecondOrder(): () => void {
  // What it registers, it registers at once; only SIMD code compiles afterwards.
  void registerKernels();
  return replaceGradients();
}

/** `enableSecondOrder` where the training kernels are registered. */
export function replaceGradients(): () => void {
  if (calls++ === 0) {
    stock = gradients.map(({ kernelName }) => [kernelName, tf.getGradient(kernelName)]);
    for (const gradient of gradients) replace(gradient.kernelName, gradient);
  }
  let undone = false;
  return () => {
    if (undone) return;
    undone = true;
    if (--calls === 0) for (const [kernelName, gradient] of stock) replace(kernelName, gradient);
  };
}

/** Calls that are not undone yet, and the gradients from before the first of them. */
let calls = 0;
let stock: [string, tf.GradConfig | undefined][] = [];

function replace(kernelName: string, gradient: tf.GradConfig | undefined): void {
  // Registering over an entry prints a warning in debug mode.
  if (tf.getGradient(kernelName)) tf.unregisterGradient(kernelName);
  if (gradient) tf.registerGradient(gradient);
}

/** The result of `compute`, constant for every gradient. */
function constant(compute: () => tf.Tensor): tf.Tensor {
  return tf.customGrad(() => ({ value: compute(), gradFunc: () => [] }))();
}

/** 1 where `compute` is true and 0 elsewhere, as a constant to every gradient. */
const mask = (compute: () => tf.Tensor): tf.Tensor => constant(() => tf.cast(compute(), 'float32'));

type Operands = { readonly [name: string]: () => tf.Tensor };
type Backward = (dy: tf.Tensor, saved: tf.Tensor[], attrs: tf.NamedAttrMap) => Operands;

const gradient = (kernelName: string, inputsToSave: string[], backward: Backward): tf.GradConfig => ({
  kernelName,
  inputsToSave,
  gradFunc: (dy, saved, attrs) => backward(dy as tf.Tensor, saved, attrs),
});

/** The gradient of an elementwise function, from its derivative at x. */
const elementwise = (kernelName: string, derivative: (x: tf.Tensor, attrs: tf.NamedAttrMap) => tf.Tensor) =>
  gradient(kernelName, ['x'], (dy, [x], attrs) => ({ x: () => tf.mul(dy, derivative(x, attrs)) }));

/** The gradient of an elementwise choice between a and b: a where `chosen`, which shapes may broadcast. */
const choice = (kernelName: string, chosen: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor) =>
  gradient(kernelName, ['a', 'b'], (dy, [a, b]) => {
    const ofA = mask(() => chosen(a, b));
    return {
      a: () => sumTo(tf.mul(dy, ofA), a.shape),
      b: () => sumTo(tf.mul(dy, tf.sub(1, ofA)), b.shape),
    };
  });

/** Undoes broadcasting: `x` summed to `shape`. */
function sumTo(x: tf.Tensor, shape: number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape, x.shape);
  return tf.reshape(axes.length > 0 ? tf.sum(x, axes) : x, shape);
}

/** The gradient of a reduction that picks elements: dy at every element that equals the result. */
const selection = (kernelName: string, reduce: (x: tf.Tensor, axes: number[]) => tf.Tensor, axesAttribute: string) =>
  gradient(kernelName, ['x'], (dy, [x], attrs) => ({
    x: () => {
      const axes = tf.util.parseAxisParam(attrs[axesAttribute] as number | number[], x.shape);
      const kept = tf.backend_util.expandShapeToKeepDim(
        tf.backend_util.computeOutAndReduceShapes(x.shape, axes)[0],
        axes,
      );
      return tf.mul(
        tf.reshape(dy, kept),
        mask(() => tf.equal(x, tf.reshape(reduce(x, axes), kept))),
      );
    },
  }));

type Strides = [number, number] | number;
type Padding = 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
interface ConvolutionAttributes {
  strides: Strides;
  pad: Padding;
  dataFormat?: 'NHWC' | 'NCHW';
  dilations?: Strides;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}
const convolution = (attrs: tf.NamedAttrMap) => attrs as unknown as ConvolutionAttributes;

const SELU_SCALE_ALPHA = 1.7580993408473768;
const SELU_SCALE = 1.0507009873554805;

const gradients: readonly tf.GradConfig[] = [
  elementwise('Exp', (x) => tf.exp(x)),
  elementwise('Tanh', (x) => tf.sub(1, tf.square(tf.tanh(x)))),
  elementwise('Sigmoid', (x) => {
    const y = tf.sigmoid(x);
    return tf.mul(y, tf.sub(1, y));
  }),
  elementwise('Relu6', (x) => mask(() => tf.logicalAnd(tf.greater(x, 0), tf.lessEqual(x, 6)))),
  elementwise('LeakyRelu', (x, { alpha }) => sides(x, 1, alpha as number)),
  elementwise('Elu', (x) => exponentialUnit(x, 1, 1)),
  elementwise('Selu', (x) => exponentialUnit(x, SELU_SCALE, SELU_SCALE_ALPHA)),
  elementwise('ClipByValue', (x, { clipValueMin, clipValueMax }) =>
    mask(() => tf.logicalAnd(tf.greaterEqual(x, clipValueMin as number), tf.lessEqual(x, clipValueMax as number))),
  ),
  gradient('Prelu', ['x', 'alpha'], (dy, [x, alpha]) => {
    const positive = mask(() => tf.greater(x, 0));
    const negative = constant(() => tf.sub(1, positive));
    return {
      x: () => tf.mul(dy, tf.add(positive, tf.mul(negative, alpha))),
      alpha: () => sumTo(tf.mul(dy, tf.mul(negative, x)), alpha.shape),
    };
  }),
  choice('Maximum', tf.greaterEqual),
  choice('Minimum', tf.lessEqual),
  selection('Max', (x, axes) => tf.max(x, axes), 'reductionIndices'),
  selection('Min', (x, axes) => tf.min(x, axes), 'axis'),
  gradient('Softmax', ['logits'], (dy, [logits]) => ({
    logits: () => {
      const weighted = tf.mul(dy, tf.softmax(logits));
      return tf.sub(weighted, tf.mul(tf.sum(weighted, -1, true), tf.softmax(logits)));
    },
  })),
  // The gradients of a convolution are bilinear in what they take, so their own gradients are convolutions again.
  gradient('Conv2DBackpropFilter', ['x', 'dy'], (ddw, [x, dy], attrs) => {
    const { strides, pad, dataFormat, dimRoundingMode } = convolution(attrs);
    return {
      x: () =>
        tf.engine().runKernel('Conv2DBackpropInput', { dy, filter: ddw }, {
          strides,
          pad,
          dataFormat,
          dimRoundingMode,
          inputShape: x.shape,
        } as unknown as tf.NamedAttrMap),
      dy: () =>
        tf.conv2d(x as tf.Tensor4D, ddw as tf.Tensor4D, strides, pad, dataFormat, 1, dimRoundingMode) as tf.Tensor,
    };
  }),
  gradient('DepthwiseConv2dNativeBackpropInput', ['dy', 'filter'], (ddx, [dy, filter], attrs) => {
    const { strides, pad, dilations, dimRoundingMode } = convolution(attrs);
    return {
      dy: () => depthwise(ddx, filter, attrs),
      filter: () =>
        tf.engine().runKernel('DepthwiseConv2dNativeBackpropFilter', { x: ddx, dy }, {
          strides,
          pad,
          dilations,
          dimRoundingMode,
          filterShape: filter.shape,
        } as unknown as tf.NamedAttrMap),
    };
  }),
  gradient('DepthwiseConv2dNativeBackpropFilter', ['x', 'dy'], (ddw, [x, dy], attrs) => {
    const { strides, pad, dilations, dimRoundingMode } = convolution(attrs);
    return {
      x: () =>
        tf.engine().runKernel('DepthwiseConv2dNativeBackpropInput', { dy, filter: ddw }, {
          strides,
          pad,
          dilations,
          dimRoundingMode,
          inputShape: x.shape,
        } as unknown as tf.NamedAttrMap),
      dy: () => depthwise(x, ddw, attrs),
    };
  }),
  gradient('MaxPoolGrad', ['input', 'output'], (ddx, [input, output], attrs) => ({
    dy: () => maxPoolGradTransposed(ddx as tf.Tensor4D, input as tf.Tensor4D, output as tf.Tensor4D, attrs),
    input: () => tf.zerosLike(input),
    output: () => tf.zerosLike(output),
  })),
  // Average pooling is linear: the transpose of its gradient is itself.
  gradient('AvgPoolGrad', ['input'], (ddx, [input], attrs) => ({
    dy: () => tf.engine().runKernel('AvgPool', { x: ddx }, attrs),
    input: () => tf.zerosLike(input),
  })),
  gradient('AvgPool3DGrad', ['input'], (ddx, [input], attrs) => ({
    dy: () => tf.engine().runKernel('AvgPool3D', { x: ddx }, { dataFormat: 'NDHWC', ...attrs }),
    input: () => tf.zerosLike(input),
  })),
];

/** `positive` where x > 0 and `negative` elsewhere. */
function sides(x: tf.Tensor, positive: number, negative: number): tf.Tensor {
  const above = mask(() => tf.greater(x, 0));
  return constant(() => tf.add(negative, tf.mul(above, positive - negative)));
}

/** The derivative of `x > 0 ? positive x : negative (exp(x) - 1)`; where x > 0 the exponential must not overflow. */
function exponentialUnit(x: tf.Tensor, positive: number, negative: number): tf.Tensor {
  const above = mask(() => tf.greater(x, 0));
  const below = constant(() => tf.sub(1, above));
  return tf.add(tf.mul(above, positive), tf.mul(below, tf.mul(tf.exp(tf.mul(x, below)), negative)));
}

function depthwise(x: tf.Tensor, filter: tf.Tensor, attrs: tf.NamedAttrMap): tf.Tensor {
  const { strides, pad, dilations, dimRoundingMode } = convolution(attrs);
  return tf.depthwiseConv2d(
    x as tf.Tensor4D,
    filter as tf.Tensor4D,
    strides,
    pad,
    'NHWC',
    dilations ?? 1,
    dimRoundingMode,
  );
}
