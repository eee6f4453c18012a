import * as tf from '@tensorflow/tfjs-core';
import { valuesOf } from '../../backends/cpu-backend';
import { cpuKernel, cpuWrapper, type Tensors, wasmWrapper } from '../../backends/kernel';
import { floats, zeros } from '../../backends/wasm-backend';
import type { Shape4 } from '../convolution/conv-geometry';

type Inputs = Tensors<'dy' | 'images'>;

/** tfjs-backend-cpu exchanges height and width in the shape of this gradient. */
export const resizeBilinearGrad = cpuWrapper<Inputs>('ResizeBilinearGrad', ({ images }, _attributes, _cpu, stock) => ({
  ...(stock() as tf.TensorInfo),
  shape: images.shape,
}));

/**
 * Each pixel of dy is added to the pixel it was copied from. tfjs-backend-cpu reads the wrong images of dy from the
 * second one of a batch on.
 */
export const resizeNearestNeighborGrad = cpuKernel<Inputs, { alignCorners: boolean }>(
  'ResizeNearestNeighborGrad',
  ({ dy, images }, { alignCorners }, cpu) => {
    const dx = new Float32Array(tf.util.sizeFromShape(images.shape));
    addToSources(valuesOf(cpu, dy), dy.shape as Shape4, dx, images.shape as Shape4, alignCorners);
    return cpu.makeTensorInfo([...images.shape], 'float32', dx);
  },
);

/** tfjs-backend-wasm gives zeros for images of height or width 1 whose corners are aligned. */
export const wasmResizeNearestNeighborGrad = wasmWrapper<Inputs, { alignCorners: boolean }>(
  'ResizeNearestNeighborGrad',
  ({ dy, images }, { alignCorners }, wasm, stock) => {
    const shape = images.shape as Shape4;
    if (!alignCorners || (shape[1] > 1 && shape[2] > 1)) return stock();
    // Brings dy of another backend here before there are views of the heap, which may grow for it.
    wasm.getMemoryOffset(dy.dataId);
    const dx = zeros(wasm, shape);
    addToSources(floats(wasm, dy), dy.shape as Shape4, floats(wasm, dx), shape, true);
    return dx;
  },
);

function addToSources(
  gradient: Float32Array,
  [batch, outHeight, outWidth, channels]: Shape4,
  dx: Float32Array,
  [, height, width]: Shape4,
  alignCorners: boolean,
): void {
  const row = nearest(height, outHeight, alignCorners);
  const column = nearest(width, outWidth, alignCorners);
  for (let n = 0, at = 0; n < batch; n++)
    for (let h = 0; h < outHeight; h++)
      for (let w = 0; w < outWidth; w++) {
        const to = ((n * height + row(h)) * width + column(w)) * channels;
        for (let c = 0; c < channels; c++) dx[to + c] += gradient[at++];
      }
}

/** The input position that an output position is copied from. */
function nearest(size: number, outSize: number, alignCorners: boolean): (position: number) => number {
  const corners = alignCorners && outSize > 1;
  const scale = (corners ? size - 1 : size) / (corners ? outSize - 1 : outSize);
  return (position) => Math.min(size - 1, alignCorners ? Math.round(position * scale) : Math.floor(position * scale));
}
