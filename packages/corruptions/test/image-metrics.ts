import type { Pixels } from './golden-cases';

/** The names of the 28 numbers that `imageMetrics` returns, in the order of goldens/corruptions/stats.json. */
export const METRICS = [
  ...['mean_r', 'mean_g', 'mean_b', 'std_r', 'std_g', 'std_b'],
  ...['resmean_r', 'resmean_g', 'resmean_b', 'resstd_r', 'resstd_g', 'resstd_b'],
  ...['rescorr_rg', 'rescorr_rb', 'rescorr_gb', 'psnr', 'ssim'],
  ...['spec0', 'spec1', 'spec2', 'spec3', 'spec4', 'spec5', 'aniso', 'acf_h', 'acf_v', 'frac0', 'frac255'],
];

/** Upper ends, in cycles per pixel, of the radial bands. */
const BANDS = [1 / 32, 1 / 16, 1 / 8, 1 / 4, 3 / 8, 0.8];

/** The metrics that tell a corrupted image from its clean one: section 21 of the specification. */
export function imageMetrics(clean: Pixels, levels: ArrayLike<number>): number[] {
  const { height, width } = clean;
  const channel = (values: ArrayLike<number>, c: number) =>
    Float64Array.from({ length: height * width }, (_, i) => values[3 * i + c]);
  const outputs = [0, 1, 2].map((c) => channel(levels, c));
  const residuals = [0, 1, 2].map((c) => {
    const input = channel(clean.levels, c);
    return outputs[c].map((value, i) => value - input[i]);
  });
  const squares = residuals.reduce((sum, r) => sum + r.reduce((s, x) => s + x * x, 0), 0);
  const luma = (values: ArrayLike<number>) =>
    Float64Array.from(
      { length: height * width },
      (_, i) => 0.299 * values[3 * i] + 0.587 * values[3 * i + 1] + 0.114 * values[3 * i + 2],
    );
  const [x, y] = [luma(clean.levels), luma(levels)];
  const residual = y.map((value, i) => value - x[i]);
  const centre = mean(residual);
  const centred = residual.map((value) => value - centre);
  return [
    ...outputs.map(mean),
    ...outputs.map(deviation),
    ...residuals.map(mean),
    ...residuals.map(deviation),
    correlation(residuals[0], residuals[1]),
    correlation(residuals[0], residuals[2]),
    correlation(residuals[1], residuals[2]),
    10 * Math.log10(255 ** 2 / Math.max(squares / (3 * height * width), 1e-10)),
    ssim(x, y, height, width),
    ...spectrum(centred, height, width),
    autocorrelation(centred, height, width, 0, 1),
    autocorrelation(centred, height, width, 1, 0),
    share(levels, 0),
    share(levels, 255),
  ];
}

const mean = (x: Float64Array) => x.reduce((sum, value) => sum + value, 0) / x.length;

function deviation(x: Float64Array): number {
  const centre = mean(x);
  return Math.sqrt(mean(x.map((value) => (value - centre) ** 2)));
}

function correlation(x: Float64Array, y: Float64Array): number {
  const [mx, my] = [mean(x), mean(y)];
  const scale = deviation(x) * deviation(y);
  return scale === 0 ? 0 : mean(x.map((value, i) => (value - mx) * (y[i] - my))) / scale;
}

function share(levels: ArrayLike<number>, level: number): number {
  let count = 0;
  for (let i = 0; i < levels.length; i++) if (levels[i] === level) count++;
  return count / levels.length;
}

/** Wang et al. 2004, with a uniform 7×7 window, population variances, and the windows inside the image only. */
function ssim(x: Float64Array, y: Float64Array, height: number, width: number): number {
  const windowed = (values: (i: number) => number) => {
    const across = width - 6;
    const rows = new Float64Array(height * across);
    for (let r = 0; r < height; r++)
      for (let c = 0; c < across; c++)
        for (let k = 0; k < 7; k++) rows[r * across + c] += values(r * width + c + k) / 7;
    const out = new Float64Array((height - 6) * across);
    for (let r = 0; r < height - 6; r++)
      for (let c = 0; c < across; c++)
        for (let k = 0; k < 7; k++) out[r * across + c] += rows[(r + k) * across + c] / 7;
    return out;
  };
  const mx = windowed((i) => x[i]);
  const my = windowed((i) => y[i]);
  const xx = windowed((i) => x[i] * x[i]);
  const yy = windowed((i) => y[i] * y[i]);
  const xy = windowed((i) => x[i] * y[i]);
  const [c1, c2] = [6.5025, 58.5225];
  return mean(
    mx.map((m, i) => {
      const n = my[i];
      const covariance = xy[i] - m * n;
      const variances = xx[i] - m * m + yy[i] - n * n;
      return ((2 * m * n + c1) * (2 * covariance + c2)) / ((m * m + n * n + c1) * (variances + c2));
    }),
  );
}

/** log10 of the mean power |F|²/(H W) per radial band, then of the power along x over that along y. */
function spectrum(x: Float64Array, height: number, width: number): number[] {
  const power = powerSpectrum(x, height, width);
  const bands = BANDS.map(() => ({ sum: 0, count: 0 }));
  let horizontal = 0;
  let vertical = 0;
  for (let r = 0; r < height; r++)
    for (let c = 0; c < width; c++) {
      const fy = (r <= height / 2 ? r : height - r) / height;
      const fx = (c <= width / 2 ? c : width - c) / width;
      const frequency = Math.hypot(fx, fy);
      const value = power[r * width + c];
      if (fx > fy) horizontal += value;
      if (fx < fy) vertical += value;
      const band = bands[BANDS.findIndex((end) => frequency < end)];
      if (r === 0 && c === 0) continue;
      band.sum += value;
      band.count++;
    }
  return [
    ...bands.map(({ sum, count }) => Math.log10(sum / count + 1e-12)),
    Math.log10((horizontal + 1e-12) / (vertical + 1e-12)),
  ];
}

/** |F|²/(H W) of a real grid, by a discrete Fourier transform along rows, then along columns. */
function powerSpectrum(x: Float64Array, height: number, width: number): Float64Array {
  const half = (width >> 1) + 1;
  const [cosX, sinX] = turns(width);
  const re = new Float64Array(height * half);
  const im = new Float64Array(height * half);
  for (let r = 0; r < height; r++)
    for (let k = 0; k < half; k++) {
      let [sumRe, sumIm] = [0, 0];
      for (let c = 0, at = 0; c < width; c++, at = at + k >= width ? at + k - width : at + k) {
        sumRe += x[r * width + c] * cosX[at];
        sumIm -= x[r * width + c] * sinX[at];
      }
      re[r * half + k] = sumRe;
      im[r * half + k] = sumIm;
    }
  const [cosY, sinY] = turns(height);
  const power = new Float64Array(height * width);
  for (let k = 0; k < height; k++) {
    const rowRe = new Float64Array(half);
    const rowIm = new Float64Array(half);
    for (let r = 0, at = 0; r < height; r++, at = at + k >= height ? at + k - height : at + k) {
      const [c, s] = [cosY[at], sinY[at]];
      for (let j = 0; j < half; j++) {
        rowRe[j] += re[r * half + j] * c + im[r * half + j] * s;
        rowIm[j] += im[r * half + j] * c - re[r * half + j] * s;
      }
    }
    for (let j = 0; j < half; j++) {
      const value = (rowRe[j] ** 2 + rowIm[j] ** 2) / (height * width);
      power[k * width + j] = value;
      if (j > 0) power[((height - k) % height) * width + width - j] = value;
    }
  }
  return power;
}

const turns = (n: number) =>
  [Math.cos, Math.sin].map((f) => Float64Array.from({ length: n }, (_, i) => f((2 * Math.PI * i) / n))) as [
    Float64Array,
    Float64Array,
  ];

/** The correlation of a centred grid with itself one pixel further. */
function autocorrelation(x: Float64Array, height: number, width: number, dy: number, dx: number): number {
  let products = 0;
  for (let r = 0; r + dy < height; r++)
    for (let c = 0; c + dx < width; c++) products += x[r * width + c] * x[(r + dy) * width + c + dx];
  const variance = mean(x.map((value) => value * value));
  return variance === 0 ? 0 : products / ((height - dy) * (width - dx)) / variance;
}
