import { draw, type PhiloxAddress, type RandomKind } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { simdModule } from './simd-module';
import type { WasmBackend } from './wasm-backend';

export const RANDOM = 'QGenRandom';

export interface RandomAttributes extends PhiloxAddress {
  readonly kind: RandomKind;
  readonly shape: readonly number[];
  readonly scale: number;
  readonly shift: number;
}

/** What the SIMD module calls the kinds, and how many words it makes at a time. */
const kinds = { bits: 0, uniform: 1, normal: 2 } as const;
const GROUP = 64;

/** cpu has no kernel of its own: drawing on the host is what it would do. */
export const wasmRandom: tf.KernelConfig = {
  kernelName: RANDOM,
  backendName: 'wasm',
  kernelFunc: ({ attrs, backend }) => {
    const { kind, shape, key, stream, offset, scale, shift } = attrs as unknown as RandomAttributes;
    const wasm = backend as WasmBackend;
    const size = tf.util.sizeFromShape([...shape]);
    const out = wasm.makeOutput([...shape], kind === 'bits' ? 'int32' : 'float32');
    const simd = simdModule(wasm);
    if (simd) {
      const scratch = wasm.makeOutput([GROUP], 'int32');
      const block = Math.floor(offset / 4);
      simd.random(
        kinds[kind],
        wasm.getMemoryOffset(out.dataId),
        size,
        offset % 4,
        wasm.getMemoryOffset(scratch.dataId),
        ...key,
        ...stream,
        block,
        Math.floor(block / 2 ** 32),
        scale,
        shift,
      );
      wasm.disposeData(scratch.dataId);
    } else wasm.typedArrayFromHeap(out).set(draw(kind, size, { key, stream, offset }, scale, shift));
    return out;
  },
};
