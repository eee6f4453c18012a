import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import { map, run, TRUNCATED } from '../backends/webgpu-program';
import { type Corruption, deterministic, type NoFields } from '../corruption';
import { number } from '../fields/field-rules';
import { sizeOf, truncated } from '../images/image';

/** out = clip((v − μ) c + μ), μ the mean of the channel over the image. */
export const contrast: Corruption<number, NoFields> = {
  ...deterministic,
  parameterRules: { c: number(0, 1000) },
  apply({ levels, height, width, channels }, c) {
    const out = new Uint8Array(levels.length);
    for (let channel = 0; channel < channels; channel++) {
      let sum = 0;
      for (let i = channel; i < levels.length; i += channels) sum += levels[i];
      const table = levelTable(sum / 255 / (height * width), c);
      for (let i = channel; i < levels.length; i += channels) out[i] = table[levels[i]];
    }
    return out;
  },
  simd(simd, image, c) {
    const { at, height, width, channels } = image;
    const { kernels } = simd;
    const thirds = simd.view(Float64Array, simd.allocate(24), 3);
    kernels.channelSums(at, sizeOf(image), thirds.byteOffset);
    const sums = channels === 3 ? [...thirds] : [thirds[0] + thirds[1] + thirds[2]];
    const tables = new Uint8Array(256 * channels);
    for (const [channel, sum] of sums.entries()) tables.set(levelTable(sum / 255 / (height * width), c), 256 * channel);
    kernels.applyTables(at, sizeOf(image), channels, simd.copy(tables));
    return at;
  },
  onDevice: (images, c) =>
    map(images, {
      key: 'contrast',
      inputs: { sums: channelSums(images) },
      floats: { c },
      code: `${TRUNCATED}
        fn main(index : i32) {
          if (index < uniforms.size) {
            let image = index / (uniforms.height * uniforms.width * uniforms.channels);
            let sum = f32(sums[image * uniforms.channels + index % uniforms.channels]);
            let mean = sum / f32(uniforms.height * uniforms.width);
            result[index] = truncated((f32(levels[index]) - mean) * uniforms.c + mean);
          }
        }`,
    }),
};

/** The new level of each level. */
function levelTable(mean: number, c: number): Uint8Array {
  const table = new Uint8Array(256);
  for (let level = 0; level < 256; level++) table[level] = truncated(((level / 255 - mean) * c + mean) * 255);
  return table;
}

/** The sum of every channel of every image, row by row and then over the rows; in whole numbers. */
function channelSums(images: Tensor4D): Tensor {
  const [count, height, width, channels] = images.shape;
  const summed = (values: Tensor, outer: number, n: number) =>
    run({
      key: 'channel_sums',
      inputs: { values },
      integers: { n, channels },
      shape: [outer, channels],
      code: `
        fn main(index : i32) {
          if (index < uniforms.size) {
            let start = index / uniforms.channels * uniforms.n * uniforms.channels + index % uniforms.channels;
            var sum = 0;
            for (var i = 0; i < uniforms.n; i = i + 1) { sum = sum + values[start + i * uniforms.channels]; }
            result[index] = sum;
          }
        }`,
    });
  return summed(summed(images, count * height, width), count, height);
}
