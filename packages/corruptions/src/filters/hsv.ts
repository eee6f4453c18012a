import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Simd } from '../backends/simd-module';
import { map, TRUNCATED } from '../backends/webgpu-program';
import { type SimdImage, truncated, UNITS } from '../images/image';

/** S := clip(factor S + offset), V := clip(V + value). */
export interface HsvEdit {
  readonly factor: number;
  readonly offset: number;
  readonly value: number;
}

/**
 * The levels of RGB pixels after their saturation and value, both in 0..1, are changed; the hue stays. Greys have the
 * hue and the saturation 0. Smith, "Color gamut transform pairs" (SIGGRAPH 1978): with the hue h in turns, i = ⌊6 h⌋ and
 * f = 6 h − i, the components are v, p = v (1 − s), and q = v (1 − f s) or t = v (1 − (1 − f) s), in an order that i tells.
 */
export function editedHsv(levels: Uint8Array, edit: HsvEdit): Uint8Array {
  const out = new Uint8Array(levels.length);
  for (let at = 0; at < levels.length; at += 3) {
    const r = UNITS[levels[at]];
    const g = UNITS[levels[at + 1]];
    const b = UNITS[levels[at + 2]];
    const value = Math.max(r, g, b);
    const chroma = value - Math.min(r, g, b);
    const saturation = chroma === 0 ? 0 : chroma / value;
    const s = Math.min(Math.max(saturation * edit.factor + edit.offset, 0), 1);
    const v = Math.min(Math.max(value + edit.value, 0), 1);
    const sixths = hueOf(r, g, b, value, chroma) * 6;
    const sextant = Math.floor(sixths);
    const f = sixths - sextant;
    const p = truncated(v * (1 - s) * 255);
    const q = truncated(v * (1 - f * s) * 255);
    const t = truncated(v * (1 - (1 - f) * s) * 255);
    const most = truncated(v * 255);
    out[at] = sextant === 1 ? q : sextant === 2 || sextant === 3 ? p : sextant === 4 ? t : most;
    out[at + 1] = sextant === 1 || sextant === 2 ? most : sextant === 3 ? q : sextant >= 4 && sextant < 6 ? p : t;
    out[at + 2] = sextant === 2 ? t : sextant === 3 || sextant === 4 ? most : sextant === 5 ? q : p;
  }
  return out;
}

/** The hue, in turns, of a colour whose largest component is `value` and whose components span `chroma`; greys have 0. */
function hueOf(r: number, g: number, b: number, value: number, chroma: number): number {
  if (chroma === 0) return 0;
  const sixth = b === value ? 4 + (r - g) / chroma : g === value ? 2 + (b - r) / chroma : (g - b) / chroma;
  const turns = sixth / 6;
  return turns < 0 ? turns + 1 : turns;
}

/** `editedHsv` in the memory of the SIMD module, the same numbers bit for bit; one channel is left to `apply`. */
export function editedHsvInMemory(
  simd: Simd,
  { at, height, width, channels }: SimdImage,
  { factor, offset, value }: HsvEdit,
): number | undefined {
  if (channels === 1) return undefined;
  simd.kernels.editHsv(at, height * width, factor, offset, value);
  return at;
}

/** `editedHsv` on the device, with WGSL expressions of the saturation `s` and the value `v`. */
export function editedHsvOnDevice(
  images: Tensor4D,
  key: string,
  floats: Readonly<Record<string, number>>,
  edited: { readonly saturation: string; readonly value: string },
): Tensor4D {
  return map(images, {
    key,
    inputs: {},
    floats,
    code: `${TRUNCATED}
      fn main(index : i32) {
        if (index < uniforms.size) {
          let first = index - index % 3;
          let r = f32(levels[first]) / 255.0;
          let g = f32(levels[first + 1]) / 255.0;
          let b = f32(levels[first + 2]) / 255.0;
          let v = max(max(r, g), b);
          let chroma = v - min(min(r, g), b);
          var s = 0.0;
          var sixths = 0.0;
          if (chroma > 0.0) {
            s = chroma / v;
            if (b == v) { sixths = 4.0 + (r - g) / chroma; }
            else if (g == v) { sixths = 2.0 + (b - r) / chroma; }
            else { sixths = (g - b) / chroma; }
            if (sixths < 0.0) { sixths = sixths + 6.0; }
          }
          let value = ${edited.value};
          let saturation = ${edited.saturation};
          let sextant = i32(floor(sixths));
          let f = sixths - floor(sixths);
          let p = value * (1.0 - saturation);
          let q = value * (1.0 - f * saturation);
          let t = value * (1.0 - (1.0 - f) * saturation);
          var colour = vec3<f32>(value, t, p);
          if (sextant == 1) { colour = vec3<f32>(q, value, p); }
          else if (sextant == 2) { colour = vec3<f32>(p, value, t); }
          else if (sextant == 3) { colour = vec3<f32>(p, q, value); }
          else if (sextant == 4) { colour = vec3<f32>(t, p, value); }
          else if (sextant == 5) { colour = vec3<f32>(value, p, q); }
          result[index] = truncated(colour[index % 3] * 255.0);
        }
      }`,
  });
}
