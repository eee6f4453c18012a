import type * as tf from '@tensorflow/tfjs-core';
import { simdModule } from '../../backends/simd-module';
import { floats, type WasmBackend } from '../../backends/wasm-backend';
import type { Shape4 } from './conv-geometry';

/**
 * Copies pixel (h, w) of `image` to (start + h · step) of `target`, both [N, H, W, C] on wasm, and leaves out what falls
 * outside. The other pixels of `target` keep their values.
 */
export function placePixels(
  wasm: WasmBackend,
  image: tf.TensorInfo,
  target: tf.TensorInfo,
  start: readonly [number, number],
  step: readonly [number, number],
): void {
  const [batch, height, width, channels] = image.shape as Shape4;
  const [, toHeight, toWidth] = target.shape as Shape4;
  const [firstRow, endRow] = inside(height, toHeight, start[0], step[0]);
  const [firstColumn, endColumn] = inside(width, toWidth, start[1], step[1]);
  const rows = endRow - firstRow;
  const columns = endColumn - firstColumn;
  if (batch * channels === 0 || rows <= 0 || columns <= 0) return;
  const from = (firstRow * width + firstColumn) * channels;
  const to = ((start[0] + firstRow * step[0]) * toWidth + start[1] + firstColumn * step[1]) * channels;
  const fromImage = height * width * channels;
  const toImage = toHeight * toWidth * channels;
  const toRow = step[0] * toWidth * channels;
  const toColumn = step[1] * channels;
  const simd = simdModule(wasm);
  if (simd) {
    const source = wasm.getMemoryOffset(image.dataId) + 4 * from;
    const goal = wasm.getMemoryOffset(target.dataId) + 4 * to;
    const steps = [fromImage, width * channels, toImage, toRow, toColumn].map((values) => 4 * values);
    simd.placePixels(source, goal, batch, rows, columns, channels, ...(steps as Steps));
    return;
  }
  const source = floats(wasm, image);
  const goal = floats(wasm, target);
  for (let n = 0; n < batch; n++)
    for (let h = 0; h < rows; h++)
      for (let w = 0; w < columns; w++) {
        const p = from + n * fromImage + (h * width + w) * channels;
        goal.set(source.subarray(p, p + channels), to + n * toImage + h * toRow + w * toColumn);
      }
}

type Steps = [number, number, number, number, number];

/** The positions i in 0 … size − 1 with start + i · step in 0 … limit − 1, as first and end. */
const inside = (size: number, limit: number, start: number, step: number): [number, number] => [
  Math.max(0, Math.ceil(-start / step)),
  Math.min(size, Math.ceil((limit - start) / step)),
];
