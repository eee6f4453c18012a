import { draw, type PhiloxAddress, type RandomKind } from '@qgen/core';
import { util } from '@tensorflow/tfjs-core';
import { wasmKernel } from '../backends/kernel';
import type { SimdExports } from '../backends/simd-binary';
import { simdModule } from '../backends/simd-module';
import { addresses } from '../backends/wasm-backend';

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
/** So many words of scratch a drawing needs: a group and the constants of normal numbers. */
const SCRATCH = GROUP + 24;

/** Draws by the SIMD kernel to `out` in its memory, where `scratch` has room for `SCRATCH` words. */
export function drawBySimd(
  simd: SimdExports,
  { kind, key, stream, offset, scale, shift }: Omit<RandomAttributes, 'shape'>,
  size: number,
  out: number,
  scratch: number,
): void {
  const block = Math.floor(offset / 4);
  const high = Math.floor(block / 2 ** 32);
  simd.random(kinds[kind], out, size, offset % 4, scratch, ...key, ...stream, block, high, scale, shift);
}

/** cpu has no kernel of its own: drawing on the host is what it would do. */
export const wasmRandom = wasmKernel<object, RandomAttributes>(RANDOM, (_, attributes, wasm) => {
  const { kind, shape, scale, shift } = attributes;
  const size = util.sizeFromShape([...shape]);
  const out = wasm.makeOutput([...shape], kind === 'bits' ? 'int32' : 'float32');
  const simd = simdModule(wasm);
  if (simd) {
    const scratch = wasm.makeOutput([SCRATCH], 'int32');
    drawBySimd(simd, attributes, size, ...addresses(wasm, [out, scratch] as const));
    wasm.disposeData(scratch.dataId);
  } else wasm.typedArrayFromHeap(out).set(draw(kind, size, attributes, scale, shift));
  return out;
});
