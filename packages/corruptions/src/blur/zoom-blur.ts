import { joined, joinedIntegers, map, PLACE, TRUNCATED } from '../backends/webgpu-program';
import { type Corruption, deterministic, type NoFields } from '../corruption';
import { number, wholeNumber } from '../fields/field-rules';
import { zoomAxis, zoomed } from '../filters/clipped-zoom';
import { memoized } from '../filters/memoized';
import { truncated } from '../images/image';

/** The factors 1, 1 + step, …; the first, at which a layer is the image itself, is one of the count. */
export function zoomFactors(step: number, count: number): number[] {
  // As numpy's arange has them, which decides how pixels fall.
  const exact = 1 + step - 1;
  return Array.from({ length: count }, (_, i) => 1 + i * exact);
}

/** out = (v + Σ_z Z_z v) / (count + 1), Z_z the magnification of `zoomAxis`; in float32, as published. */
export const zoomBlur: Corruption<readonly [step: number, count: number], NoFields> = {
  ...deterministic,
  parameterRules: { step: number(0, 1), count: wholeNumber(1, 100) },
  apply({ levels, height, width, channels }, [step, count], _fields, { dialect }) {
    const v = Float32Array.from(levels, (level) => level / 255);
    const sum = new Float32Array(v.length);
    const trim = dialect === 'robustness' ? 'centre' : 'none';
    for (const z of zoomFactors(step, count)) {
      const columns = zoomAxis(width, z, trim);
      const layer = Float32Array.from(zoomed(v, width, channels, zoomAxis(height, z, trim), columns));
      const surplus = (columns.low.length - width) * channels;
      const rowSize = width * channels;
      for (let y = 0, from = 0; y < height; y++, from += surplus)
        for (let i = y * rowSize; i < (y + 1) * rowSize; i++) sum[i] += layer[from++];
    }
    return Uint8Array.from(v, (value, i) =>
      truncated(Math.fround(Math.fround(Math.fround(value + sum[i]) / (count + 1)) * 255)),
    );
  },
  simd(simd, image, [step, count], _fields, { dialect }) {
    const { at, height, width, channels } = image;
    const trim = dialect === 'robustness' ? 'centre' : 'none';
    const pixels = height * width;
    const x = simd.allocate(16 * pixels);
    const { kernels } = simd;
    kernels.pixelsOfLevels(at, x, pixels, channels);
    const [rows, columns] = [
      simd.copy(zoomTables(height, step, count, trim)),
      simd.copy(zoomTables(width, step, count, trim)),
    ];
    const [row, sum] = [simd.allocate(16 * width), simd.allocate(16 * width)];
    kernels.zoomedMean(x, at, height, width, channels, rows, columns, count, row, sum);
    return at;
  },
  onDevice(images, [step, count], _fields, { dialect }) {
    const [, height, width] = images.shape;
    const trim = dialect === 'robustness' ? 'centre' : 'none';
    const axes = (n: number) => zoomFactors(step, count).map((z) => zoomAxis(n, z, trim));
    const indices = (n: number, end: 'low' | 'high') => joinedIntegers(axes(n).map((axis) => axis[end].subarray(0, n)));
    const weights = (n: number) => joined(axes(n).map(({ weight }) => weight.subarray(0, n)));
    return map(images, {
      key: 'zoom',
      inputs: {
        top: indices(height, 'low'),
        bottom: indices(height, 'high'),
        wy: weights(height),
        left: indices(width, 'low'),
        right: indices(width, 'high'),
        wx: weights(width),
      },
      integers: { count },
      code: `${PLACE}${TRUNCATED}
        fn value(p : Place, y : i32, x : i32) -> f32 { return f32(levels[at(p.image, y, x, p.channel)]) / 255.0; }
        fn main(index : i32) {
          if (index < uniforms.size) {
            let p = place(index);
            var sum = 0.0;
            for (var layer = 0; layer < uniforms.count; layer = layer + 1) {
              let i = layer * uniforms.height + p.y;
              let j = layer * uniforms.width + p.x;
              let a = value(p, top[i], left[j]);
              let b = value(p, top[i], right[j]);
              let c = value(p, bottom[i], left[j]);
              let d = value(p, bottom[i], right[j]);
              let near = a + wy[i] * (c - a);
              let far = b + wy[i] * (d - b);
              sum = sum + (near + wx[j] * (far - near));
            }
            result[index] = truncated((value(p, p.y, p.x) + sum) / f32(uniforms.count + 1) * 255.0);
          }
        }`,
    });
  },
};

/**
 * The first n places of the axes of all magnifications as the SIMD module takes them: low, high and the weight as a
 * float32, place by place.
 */
const zoomTables = memoized((n: number, step: number, count: number, trim: 'centre' | 'none'): Int32Array => {
  const table = new Int32Array(3 * n * count);
  const weights = new Float32Array(table.buffer);
  for (const [layer, z] of zoomFactors(step, count).entries()) {
    const { low, high, weight } = zoomAxis(n, z, trim);
    for (let i = 0, at = 3 * n * layer; i < n; i++, at += 3) {
      table[at] = low[i];
      table[at + 1] = high[i];
      weights[at + 2] = weight[i];
    }
  }
  return table;
});
