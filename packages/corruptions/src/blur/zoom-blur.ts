import { type Corruption, deterministic, type NoFields, truncated } from '../corruption';
import { zoomAxis, zoomed, zoomTable } from './clipped-zoom';

/** The factors 1, 1 + step, …; the first, at which a layer is the image itself, is one of the count. */
export function zoomFactors(step: number, count: number): number[] {
  // As numpy's arange has them, which decides how pixels fall.
  const exact = 1 + step - 1;
  return Array.from({ length: count }, (_, i) => 1 + i * exact);
}

/** out = (v + Σ_z Z_z v) / (count + 1), Z_z the magnification of `clippedZoom`; in float32, as published. */
export const zoomBlur: Corruption<readonly [step: number, count: number], NoFields> = {
  ...deterministic,
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
        for (let i = y * rowSize; i < (y + 1) * rowSize; i++) sum[i]! += layer[from++]!;
    }
    return Uint8Array.from(v, (value, i) =>
      truncated(Math.fround(Math.fround(Math.fround(value + sum[i]!) / (count + 1)) * 255)),
    );
  },
  simd(simd, { levels, height, width, channels }, [step, count], _fields, { dialect }) {
    const trim = dialect === 'robustness' ? 'centre' : 'none';
    const pixels = height * width;
    simd.reset();
    const x = simd.copy(levels);
    const v = simd.allocate(16 * pixels);
    const sum = simd.copy(new Float32Array(4 * pixels));
    const row = simd.allocate(16 * width);
    const { kernels } = simd;
    kernels.pixelsOfLevels(x, v, pixels, channels, 255);
    for (const z of zoomFactors(step, count)) {
      const rows = simd.copy(zoomTable(height, z, trim));
      const columns = simd.copy(zoomTable(width, z, trim));
      kernels.addZoomed(v, sum, row, width, rows, height, columns, width);
    }
    kernels.meanLevels(v, sum, x, pixels, channels, count + 1);
    return simd.bytes(x, levels.length);
  },
};
