import { runWebGPUProgram } from '@qgen/core';
import { util } from '@tensorflow/tfjs-core';
import { webgpuKernel } from '../backends/kernel';
import { RANDOM, type RandomAttributes } from './wasm';

/** Philox4x32-10 of the block with number `block` after the first. */
const philox = `
  fn multiplyHigh(a : u32, b : u32) -> u32 {
    let a0 = a & 0xffffu;
    let a1 = a >> 16u;
    let b0 = b & 0xffffu;
    let b1 = b >> 16u;
    let middle = a1 * b0 + ((a0 * b0) >> 16u);
    let low = a0 * b1 + (middle & 0xffffu);
    return a1 * b1 + (middle >> 16u) + (low >> 16u);
  }
  fn philox(block : u32) -> vec4<u32> {
    let first = bitcast<u32>(uniforms.blockLow);
    let low = first + block;
    let high = bitcast<u32>(uniforms.blockHigh) + select(0u, 1u, low < first);
    var c = vec4<u32>(low, high, bitcast<u32>(uniforms.stream0), bitcast<u32>(uniforms.stream1));
    var k = vec2<u32>(bitcast<u32>(uniforms.key0), bitcast<u32>(uniforms.key1));
    for (var round = 0; round < 10; round = round + 1) {
      let high0 = multiplyHigh(0xd2511f53u, c.x);
      let high1 = multiplyHigh(0xcd9e8d57u, c.z);
      c = vec4<u32>(high1 ^ c.y ^ k.x, 0xcd9e8d57u * c.z, high0 ^ c.w ^ k.y, 0xd2511f53u * c.x);
      k = k + vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
    }
    return c;
  }`;

/** The same polynomials as in ../simd/random.ts, because WGSL promises little of log and cos. */
const normalPair = `
  fn radius(word : u32) -> f32 {
    let u = f32(word >> 8u) * 5.9604644775390625e-8 + (f32(word & 0xffu) + 0.5) * 2.3283064365386963e-10;
    let bits = bitcast<i32>(u) - 0x3f3504f3;
    let e = f32(bits >> 23u);
    let f = bitcast<f32>((bits & 0x7fffff) + 0x3f3504f3) - 1.0;
    let p = -0.49999991606157584 + f * (0.33333950220507824 + f * (-0.2500175528003834 + f * (0.19962072177094714
      + f * (-0.1657050760867333 + f * (0.1491797271866215 + f * (-0.14307525194095164 + f * 0.08734849473376426))))));
    return sqrt(e * -0.6931471805599453 - (f + f * f * p));
  }
  fn normals(a : u32, b : u32) -> vec2<f32> {
    let x = f32(i32(b & 0xffffffu) - 0x800000) * 1.4901161193847656e-8;
    let y = x * x;
    let c = 1.0 + y * (-19.739167263526486 + y * (64.92322865128108 + y * -83.66592123277157));
    let s = x * (6.283185286833363 + y * (-41.34166145492411 + y * (81.59235355488059 + y * -75.39356282133672)));
    let signs = select(vec2<f32>(1.0), vec2<f32>(-1.0), (vec2<u32>(b, b << 1u) & vec2<u32>(0x80000000u)) != vec2<u32>(0u));
    return radius(a) * signs * vec2<f32>(c - s, c + s);
  }`;

const values = {
  bits: 'let values = bitcast<vec4<i32>>(words);',
  uniform:
    'let values = uniforms.shift + uniforms.scale * (vec4<f32>(words >> vec4<u32>(8u)) * 5.9604644775390625e-8);',
  normal: `let values = uniforms.shift
      + uniforms.scale * vec4<f32>(normals(words.x, words.y), normals(words.z, words.w));`,
} as const;

/** An invocation makes one block, four elements. */
const code = (kind: keyof typeof values): string => `${philox}${kind === 'normal' ? normalPair : ''}
  fn main(index : i32) {
    let words = philox(u32(index));
    ${values[kind]}
    for (var i = 0; i < 4; i = i + 1) {
      let at = 4 * index + i - uniforms.skip;
      if (at >= 0 && at < uniforms.size) { result[at] = values[i]; }
    }
  }`;

export const webgpuRandom = webgpuKernel<object, RandomAttributes>(RANDOM, (_, attributes, webgpu) => {
  const { kind, shape, key, stream, offset, scale, shift } = attributes;
  const block = Math.floor(offset / 4);
  const skip = offset % 4;
  return runWebGPUProgram(webgpu, {
    key: `random_${kind}`,
    inputs: {},
    integers: {
      skip,
      key0: key[0],
      key1: key[1],
      stream0: stream[0],
      stream1: stream[1],
      blockLow: block | 0,
      blockHigh: Math.floor(block / 2 ** 32),
    },
    floats: { scale, shift },
    shape,
    dtype: kind === 'bits' ? 'int32' : 'float32',
    invocations: Math.ceil((skip + util.sizeFromShape([...shape])) / 4),
    code: code(kind),
  });
});
