import * as tf from '@tensorflow/tfjs-core';
import { float32 } from '../backends/simd-module';
import { joined, map, TRUNCATED } from '../backends/webgpu-program';
import type { Corruption } from '../corruption';
import { number, symmetricNumbers } from '../fields/field-rules';
import { sizeOf, truncated, UNITS } from '../images/image';
import { plasma, plasmaSide } from './plasma';

export interface FogField {
  /** m² − 1 uniforms in [−1, 1), in the order in which `plasma` uses them; m the power of two that covers the image. */
  readonly uniform: ArrayLike<number>;
}

const uniforms = (height: number, width: number) => plasmaSide(height, width) ** 2 - 1;

/** out = clip((v + c p) M / (M + c)), p the `plasma`, M the largest value of the image over all channels. */
export const fog: Corruption<readonly [amount: number, decay: number], FogField> = {
  parameterRules: { amount: number(0.001, 1000), decay: number(1, 100) },
  draw({ height, width }, _parameters, stream) {
    return { uniform: stream.symmetric(uniforms(height, width)) };
  },
  fieldRules: ({ height, width }) => ({ uniform: symmetricNumbers(uniforms(height, width)) }),
  apply({ levels, height, width, channels }, [c, decay], { uniform }) {
    const side = plasmaSide(height, width);
    const map = plasma(side, decay, uniform);
    const most = brightestOf(levels) / 255;
    const out = new Uint8Array(levels.length);
    let at = 0;
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const haze = c * map[y * side + x];
        for (let k = 0; k < channels; k++, at++)
          out[at] = truncated((((levels[at] / 255 + haze) * most) / (most + c)) * 255);
      }
    return out;
  },
  simd(simd, image, [c, decay], { uniform }) {
    const { at, height, width, channels } = image;
    const side = plasmaSide(height, width);
    const { kernels } = simd;
    const map = simd.allocate(8 * side * side);
    const u = simd.copy(float32(uniform));
    const extremes = simd.view(Float64Array, simd.allocate(16), 2);
    kernels.plasma(map, side, decay, u, extremes.byteOffset);
    const low = extremes[0];
    const high = extremes[1];
    const range = high === low ? 1 : high - low;
    const most = UNITS[kernels.brightest(at, sizeOf(image))];
    kernels.addFog(at, height, width, channels, map, side, low, range, c, most);
    return at;
  },
  onDevice(images, [c, decay], fields) {
    const [count, height, width] = images.shape;
    const side = plasmaSide(height, width);
    const haze = fields.map(({ uniform }) => {
      const rows = plasma(side, decay, uniform);
      return joined(Array.from({ length: height }, (_, y) => rows.subarray(y * side, y * side + width)));
    });
    return map(images, {
      key: 'fog',
      inputs: { brightest: tf.max(tf.reshape(tf.cast(images, 'float32'), [count, -1]), 1), haze: joined(haze) },
      floats: { c },
      code: `${TRUNCATED}
        fn main(index : i32) {
          if (index < uniforms.size) {
            let pixel = index / uniforms.channels;
            let most = brightest[pixel / (uniforms.height * uniforms.width)] / 255.0;
            let v = f32(levels[index]) / 255.0 + uniforms.c * haze[pixel];
            result[index] = truncated(v * most / (most + uniforms.c) * 255.0);
          }
        }`,
    });
  },
};

function brightestOf(levels: Uint8Array): number {
  let brightest = 0;
  for (let i = 0; i < levels.length && brightest < 255; i++) if (levels[i] > brightest) brightest = levels[i];
  return brightest;
}
