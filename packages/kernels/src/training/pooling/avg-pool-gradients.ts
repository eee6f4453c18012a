import * as tf from '@tensorflow/tfjs-core';
import { composed } from '../../backends/composed-kernel';
import { type KernelWrapper, type Tensors, wrappersOf } from '../../backends/kernel';

/**
 * Gradients of average pooling in two and three dimensions on cpu, wasm, webgpu and webgl. Forwards, tfjs divides the sum of
 * a window by the number of its pixels that lie inside the image, as TensorFlow does; backwards, by the size of the window,
 * which is wrong at a padded border. Here dy arrives there multiplied by size / number.
 */
export const avgPoolGrads: readonly KernelWrapper[] = ['cpu', 'wasm', 'webgpu', 'webgl'].flatMap((backendName) => [
  countingPixels('AvgPoolGrad', backendName, (shape, { filterSize, strides, pad, dimRoundingMode }) => {
    const given = [filterSize, strides, 1, pad, dimRoundingMode] as const;
    const info = tf.backend_util.computePool2DInfo(shape as [number, number, number, number], ...given);
    return [
      excess(info.inHeight, info.outHeight, info.filterHeight, info.strideHeight, info.padInfo.top),
      excess(info.inWidth, info.outWidth, info.filterWidth, info.strideWidth, info.padInfo.left),
    ];
  }),
  countingPixels('AvgPool3DGrad', backendName, (shape, { filterSize, strides, pad, dimRoundingMode }) => {
    const given = [filterSize, strides, 1, pad, dimRoundingMode] as const;
    const info = tf.backend_util.computePool3DInfo(shape as [number, number, number, number, number], ...given);
    return [
      excess(info.inDepth, info.outDepth, info.filterDepth, info.strideDepth, info.padInfo.front),
      excess(info.inHeight, info.outHeight, info.filterHeight, info.strideHeight, info.padInfo.top),
      excess(info.inWidth, info.outWidth, info.filterWidth, info.strideWidth, info.padInfo.left),
    ];
  }),
]);

interface PoolAttributes {
  readonly filterSize: never;
  readonly strides: never;
  readonly pad: 'same' | 'valid' | number;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/**
 * Along one axis with the first window `before` pixels ahead of the image: for every window its length over the number of its
 * pixels inside; 1 for a window that has none, whose dy goes nowhere.
 */
function excess(size: number, windows: number, length: number, stride: number, before: number): number[] {
  return Array.from({ length: windows }, (_, i) => {
    const from = i * stride - before;
    const inside = Math.min(size, from + length) - Math.max(0, from);
    return inside > 0 ? length / inside : 1;
  });
}

/** The stock kernel, given dy times the product of the factors along every axis. */
function countingPixels(
  kernelName: string,
  backendName: string,
  factorsOf: (shape: readonly number[], attributes: PoolAttributes) => readonly number[][],
): KernelWrapper {
  return wrappersOf<object>(backendName)<Tensors<'dy' | 'input'>, PoolAttributes>(
    kernelName,
    ({ dy, input }, attributes, backend, stock) => {
      const factors = factorsOf(input.shape, attributes);
      if (factors.flat().every((factor) => factor === 1)) return stock();
      const product = factors.reduce((all, along) => all.flatMap((a) => along.map((b) => a * b)));
      return composed(backendName, backend, (run, floats) => {
        const factor = floats(Float32Array.from(product), [1, ...factors.map((along) => along.length), 1]);
        return run(stock, { dy: run('Multiply', { a: dy, b: factor }), input });
      });
    },
  );
}
