import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import { run } from '../../backends/webgpu-program';

/** The integer DCT of ./dct.ts on a block of 64 integers. */
const DCT = `
  var<private> block : array<i32, 64>;
  fn shifted(n : i32, bits : u32) -> i32 { return (n + (1 << (bits - 1u))) >> bits; }
  fn forward(at : i32, stride : i32, first : bool) {
    let s07 = block[at] + block[at + 7 * stride];
    let d07 = block[at] - block[at + 7 * stride];
    let s16 = block[at + stride] + block[at + 6 * stride];
    let d16 = block[at + stride] - block[at + 6 * stride];
    let s25 = block[at + 2 * stride] + block[at + 5 * stride];
    let d25 = block[at + 2 * stride] - block[at + 5 * stride];
    let s34 = block[at + 3 * stride] + block[at + 4 * stride];
    let d34 = block[at + 3 * stride] - block[at + 4 * stride];
    let outer = s07 + s34;
    let inner = s16 + s25;
    let outerDifference = s07 - s34;
    let innerDifference = s16 - s25;
    let bits = select(15u, 11u, first);
    block[at] = select(shifted(outer + inner, 2u), (outer + inner) << 2u, first);
    block[at + 4 * stride] = select(shifted(outer - inner, 2u), (outer - inner) << 2u, first);
    let even = (innerDifference + outerDifference) * 4433;
    block[at + 2 * stride] = shifted(even + outerDifference * 6270, bits);
    block[at + 6 * stride] = shifted(even - innerDifference * 15137, bits);
    let z1 = -(d34 + d07) * 7373;
    let z2 = -(d25 + d16) * 20995;
    let z5 = (d34 + d16 + d25 + d07) * 9633;
    let z3 = z5 - (d34 + d16) * 16069;
    let z4 = z5 - (d25 + d07) * 3196;
    block[at + 7 * stride] = shifted(d34 * 2446 + z1 + z3, bits);
    block[at + 5 * stride] = shifted(d25 * 16819 + z2 + z4, bits);
    block[at + 3 * stride] = shifted(d16 * 25172 + z2 + z3, bits);
    block[at + stride] = shifted(d07 * 12299 + z1 + z4, bits);
  }
  fn inverse(at : i32, stride : i32, bits : u32) {
    let c1 = block[at + stride];
    let c2 = block[at + 2 * stride];
    let c3 = block[at + 3 * stride];
    let c5 = block[at + 5 * stride];
    let c6 = block[at + 6 * stride];
    let c7 = block[at + 7 * stride];
    let even = (c2 + c6) * 4433;
    let low = even - c6 * 15137;
    let high = even + c2 * 6270;
    let sum = (block[at] + block[at + 4 * stride]) << 13u;
    let difference = (block[at] - block[at + 4 * stride]) << 13u;
    let z1 = -(c7 + c1) * 7373;
    let z2 = -(c5 + c3) * 20995;
    let z5 = (c7 + c3 + c5 + c1) * 9633;
    let z3 = z5 - (c7 + c3) * 16069;
    let z4 = z5 - (c5 + c1) * 3196;
    let o0 = c7 * 2446 + z1 + z3;
    let o1 = c5 * 16819 + z2 + z4;
    let o2 = c3 * 25172 + z2 + z3;
    let o3 = c1 * 12299 + z1 + z4;
    block[at] = shifted(sum + high + o3, bits);
    block[at + 7 * stride] = shifted(sum + high - o3, bits);
    block[at + stride] = shifted(difference + low + o2, bits);
    block[at + 6 * stride] = shifted(difference + low - o2, bits);
    block[at + 2 * stride] = shifted(difference - low + o1, bits);
    block[at + 5 * stride] = shifted(difference - low - o1, bits);
    block[at + 3 * stride] = shifted(sum - high + o0, bits);
    block[at + 4 * stride] = shifted(sum - high - o0, bits);
  }`;

/** `quantizedPlane` of ./blocks.ts for [planes, height, width] samples; an invocation does one block. */
export function quantizedPlanesOnDevice(
  samples: Tensor,
  [planes, height, width]: readonly [number, number, number],
  table: Int32Array,
): Tensor {
  const across = Math.ceil(width / 8);
  const down = Math.ceil(height / 8);
  return run({
    key: 'jpeg_blocks',
    inputs: { samples, table },
    integers: { height, width, across, down, blocks: planes * down * across },
    shape: [planes, height, width],
    invocations: planes * down * across,
    code: `${DCT}
      fn main(index : i32) {
        if (index >= uniforms.blocks) { return; }
        let plane = index / (uniforms.down * uniforms.across) * uniforms.height;
        let top = index / uniforms.across % uniforms.down * 8;
        let left = index % uniforms.across * 8;
        for (var i = 0; i < 64; i = i + 1) {
          let y = min(top + i / 8, uniforms.height - 1);
          let x = min(left + i % 8, uniforms.width - 1);
          block[i] = samples[(plane + y) * uniforms.width + x] - 128;
        }
        for (var i = 0; i < 8; i = i + 1) { forward(8 * i, 1, true); }
        for (var i = 0; i < 8; i = i + 1) { forward(i, 8, false); }
        for (var i = 0; i < 64; i = i + 1) {
          let q = table[i];
          block[i] = sign(block[i]) * ((abs(block[i]) + 4 * q) / (8 * q)) * q;
        }
        for (var i = 0; i < 8; i = i + 1) { inverse(i, 8, 11u); }
        for (var i = 0; i < 8; i = i + 1) { inverse(8 * i, 1, 18u); }
        for (var i = 0; i < 64; i = i + 1) {
          let y = top + i / 8;
          let x = left + i % 8;
          if (y < uniforms.height && x < uniforms.width) {
            result[(plane + y) * uniforms.width + x] = clamp(block[i] + 128, 0, 255);
          }
        }
      }`,
  });
}

const MIXED = `
  fn mixed(pixel : i32, r : i32, g : i32, b : i32, rounding : i32) -> i32 {
    return (r * levels[3 * pixel] + g * levels[3 * pixel + 1] + b * levels[3 * pixel + 2] + rounding) >> 16u;
  }`;

/** Y of [N, H, W, 3]. */
export function luminanceOnDevice(levels: Tensor4D): Tensor {
  return run({
    key: 'jpeg_luminance',
    inputs: { levels },
    shape: levels.shape.slice(0, 3),
    code: `${MIXED}
      fn main(index : i32) {
        if (index < uniforms.size) { result[index] = mixed(index, 19595, 38470, 7471, 32768); }
      }`,
  });
}

/** Cb of all images and then Cr of all, each `halved` as ./color.ts says: [2 N, ⌈H/2⌉, 8 ⌈W/16⌉]. */
export function halvedChromaOnDevice(levels: Tensor4D): Tensor {
  const [count, height, width] = levels.shape;
  const halfHeight = Math.ceil(height / 2);
  const halfWidth = 8 * Math.ceil(width / 16);
  return run({
    key: 'jpeg_chroma',
    inputs: { levels },
    integers: { count, height, width, halfHeight, halfWidth },
    shape: [2 * count, halfHeight, halfWidth],
    code: `${MIXED}
      fn main(index : i32) {
        if (index >= uniforms.size) { return; }
        let x = index % uniforms.halfWidth;
        let y = index / uniforms.halfWidth % uniforms.halfHeight;
        let plane = index / uniforms.halfWidth / uniforms.halfHeight;
        var sum = 1 + x % 2;
        for (var i = 0; i < 4; i = i + 1) {
          let row = min(2 * y + i / 2, uniforms.height - 1);
          let column = min(2 * x + i % 2, uniforms.width - 1);
          let pixel = (plane % uniforms.count * uniforms.height + row) * uniforms.width + column;
          if (plane < uniforms.count) { sum = sum + mixed(pixel, -11059, -21709, 32768, ${(128 << 16) + 32767}); }
          else { sum = sum + mixed(pixel, 32768, -27439, -5329, ${(128 << 16) + 32767}); }
        }
        result[index] = sum >> 2u;
      }`,
  });
}

/** RGB of luminance [N, H, W] and halved chroma, `doubled` as ./color.ts says. */
export function rgbOnDevice(
  luminance: Tensor,
  chroma: Tensor,
  shape: readonly [number, number, number, number],
): Tensor4D {
  const [count, height, width] = shape;
  const [, halfHeight, halfWidth] = chroma.shape as [number, number, number];
  return run({
    key: 'jpeg_rgb',
    inputs: { luminance, chroma },
    integers: { count, height, width, halfHeight, halfWidth, lastColumn: Math.ceil(width / 2) - 1 },
    shape,
    code: `
      fn rows(plane : i32, y : i32, x : i32) -> i32 {
        let near = y >> 1u;
        let far = clamp(near + select(-1, 1, y % 2 == 1), 0, uniforms.halfHeight - 1);
        let at = plane * uniforms.halfHeight;
        return 3 * chroma[(at + near) * uniforms.halfWidth + x] + chroma[(at + far) * uniforms.halfWidth + x];
      }
      fn doubled(plane : i32, y : i32, x : i32) -> i32 {
        let near = x >> 1u;
        if (uniforms.lastColumn < 2) {
          return chroma[(plane * uniforms.halfHeight + (y >> 1u)) * uniforms.halfWidth + near] - 128;
        }
        let odd = x % 2 == 1;
        let next = clamp(near + select(-1, 1, odd), 0, uniforms.lastColumn);
        return ((3 * rows(plane, y, near) + rows(plane, y, next) + select(8, 7, odd)) >> 4u) - 128;
      }
      fn main(index : i32) {
        if (index >= uniforms.size) { return; }
        let pixel = index / 3;
        let x = pixel % uniforms.width;
        let y = pixel / uniforms.width % uniforms.height;
        let image = pixel / uniforms.width / uniforms.height;
        let blue = doubled(image, y, x);
        let red = doubled(uniforms.count + image, y, x);
        var shift = (91881 * red + 32768) >> 16u;
        if (index % 3 == 1) { shift = (-22554 * blue - 46802 * red + 32768) >> 16u; }
        if (index % 3 == 2) { shift = (116130 * blue + 32768) >> 16u; }
        result[index] = clamp(luminance[pixel] + shift, 0, 255);
      }`,
  }) as Tensor4D;
}
