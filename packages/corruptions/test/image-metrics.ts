/**
 * The 28 numbers by which the output of a random corruption is compared with the published code's, in the order of
 * `stats.json`: mean_rgb, std_rgb, resmean_rgb, resstd_rgb, rescorr_rg/rb/gb, psnr, ssim, spec0 to spec5, aniso, acf_h,
 * acf_v, frac0, frac255. The residual is the output minus the clean image, luma is 0.299 R + 0.587 G + 0.114 B.
 */
export function imageMetrics(
  clean: ArrayLike<number>,
  output: ArrayLike<number>,
  height: number,
  width: number,
): Float64Array {
  const residual = Float64Array.from({ length: clean.length }, (_, i) => output[i]! - clean[i]!);
  const out = channelMoments(output);
  const res = channelMoments(residual);
  const luma = lumaOf(residual);
  const { bands, anisotropy } = spectrum(luma, height, width);
  const squared = residual.reduce((sum, value) => sum + value * value, 0) / residual.length;
  const share = (level: number) =>
    Array.prototype.filter.call(output, (value: number) => value === level).length / output.length;
  return Float64Array.of(
    ...out.mean,
    ...out.deviation,
    ...res.mean,
    ...res.deviation,
    ...res.correlation,
    10 * Math.log10(255 ** 2 / squared),
    structuralSimilarity(lumaOf(clean), lumaOf(output), height, width),
    ...bands,
    anisotropy,
    lagCorrelation(luma, height, width, 0, 1),
    lagCorrelation(luma, height, width, 1, 0),
    share(0),
    share(255),
  );
}

export function lumaOf(image: ArrayLike<number>): Float64Array {
  return Float64Array.from(
    { length: image.length / 3 },
    (_, i) => 0.299 * image[3 * i]! + 0.587 * image[3 * i + 1]! + 0.114 * image[3 * i + 2]!,
  );
}

/** Mean and standard deviation of R, G, B and the correlations RG, RB, GB. */
export function channelMoments(image: ArrayLike<number>) {
  const n = image.length / 3;
  const mean = [0, 0, 0];
  for (let i = 0; i < image.length; i++) mean[i % 3]! += image[i]! / n;
  const [mr, mg, mb] = mean as [number, number, number];
  let [rr, gg, bb, rg, rb, gb] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < image.length; i += 3) {
    const r = image[i]! - mr;
    const g = image[i + 1]! - mg;
    const b = image[i + 2]! - mb;
    rr += r * r;
    gg += g * g;
    bb += b * b;
    rg += r * g;
    rb += r * b;
    gb += g * b;
  }
  const covariance = [rr, gg, bb, rg, rb, gb].map((sum) => sum / n);
  const deviation = covariance.slice(0, 3).map(Math.sqrt);
  const over = (k: number, a: number, b: number) => {
    const scale = deviation[a]! * deviation[b]!;
    return scale === 0 ? 0 : covariance[k]! / scale;
  };
  return { mean, deviation, correlation: [over(3, 0, 1), over(4, 0, 2), over(5, 1, 2)] };
}

const BANDS = [0, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 3 / 8, 0.8];

/** log10 of the mean power |FFT(x − mean)|²/(HW) per radial band, and log10 of power at |fx| > |fy| over |fx| < |fy|. */
export function spectrum(values: Float64Array, height: number, width: number) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const power = powerSpectrum(
    values.map((value) => value - mean),
    height,
    width,
  );
  const sums = new Float64Array(6);
  const counts = new Float64Array(6);
  let horizontal = 0;
  let vertical = 0;
  for (let v = 0; v < height; v++)
    for (let u = 0; u < width; u++) {
      const fy = (v <= height / 2 ? v : height - v) / height;
      const fx = (u <= width / 2 ? u : width - u) / width;
      const radius = Math.hypot(fx, fy);
      const p = power[v * width + u]! / values.length;
      if (fx > fy) horizontal += p;
      if (fx < fy) vertical += p;
      if (radius === 0) continue;
      const band = BANDS.findIndex((edge, k) => radius >= edge && radius < BANDS[k + 1]!);
      sums[band]! += p;
      counts[band]!++;
    }
  const bands = [...sums].map((sum, k) => (counts[k] === 0 ? 0 : Math.log10(sum / counts[k]! + 1e-12)));
  return { bands, anisotropy: Math.log10((horizontal + 1e-12) / (vertical + 1e-12)) };
}

/** |DFT|² of a real image: its transform by matrices of cosines and sines, the half of the columns that says it all. */
function powerSpectrum(values: Float64Array, height: number, width: number): Float64Array {
  const half = Math.floor(width / 2) + 1;
  const across = waves(width);
  const down = waves(height);
  const re = new Float64Array(half * height);
  const im = new Float64Array(half * height);
  for (let y = 0; y < height; y++) {
    const row = values.subarray(y * width, (y + 1) * width);
    for (let u = 0; u < half; u++) {
      re[u * height + y] = dot(row, across.cosine, u * width);
      im[u * height + y] = -dot(row, across.sine, u * width);
    }
  }
  const power = new Float64Array(height * width);
  for (let u = 0; u < half; u++) {
    const a = re.subarray(u * height, (u + 1) * height);
    const b = im.subarray(u * height, (u + 1) * height);
    for (let v = 0; v < height; v++) {
      const real = dot(a, down.cosine, v * height) + dot(b, down.sine, v * height);
      const imaginary = dot(b, down.cosine, v * height) - dot(a, down.sine, v * height);
      const squared = real * real + imaginary * imaginary;
      power[v * width + u] = squared;
      power[((height - v) % height) * width + ((width - u) % width)] = squared;
    }
  }
  return power;
}

const known = new Map<number, { cosine: Float64Array; sine: Float64Array }>();

function waves(n: number) {
  const found = known.get(n);
  if (found) return found;
  const angle = (i: number) => (2 * Math.PI * ((Math.floor(i / n) * (i % n)) % n)) / n;
  const made = {
    cosine: Float64Array.from({ length: n * n }, (_, i) => Math.cos(angle(i))),
    sine: Float64Array.from({ length: n * n }, (_, i) => Math.sin(angle(i))),
  };
  known.set(n, made);
  return made;
}

function dot(a: Float64Array, b: Float64Array, from: number): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[from + i]!;
  return sum;
}

/** Mean of SSIM over the interior: uniform 7×7 windows, population variances, C1 = 6.5025, C2 = 58.5225. */
function structuralSimilarity(a: Float64Array, b: Float64Array, height: number, width: number): number {
  const window = (x: Float64Array) => {
    const sums = new Float64Array((height + 1) * (width + 1));
    for (let row = 0; row < height; row++)
      for (let column = 0, line = 0; column < width; column++) {
        line += x[row * width + column]!;
        sums[(row + 1) * (width + 1) + column + 1] = sums[row * (width + 1) + column + 1]! + line;
      }
    return (row: number, column: number) => {
      const at = (r: number, c: number) => sums[r * (width + 1) + c]!;
      return (at(row + 7, column + 7) - at(row, column + 7) - at(row + 7, column) + at(row, column)) / 49;
    };
  };
  const [ma, mb] = [window(a), window(b)];
  const [maa, mbb, mab] = [
    window(a.map((x) => x * x)),
    window(b.map((x) => x * x)),
    window(a.map((x, i) => x * b[i]!)),
  ];
  let sum = 0;
  for (let row = 0; row + 7 <= height; row++)
    for (let column = 0; column + 7 <= width; column++) {
      const [p, q] = [ma(row, column), mb(row, column)];
      const va = maa(row, column) - p * p;
      const vb = mbb(row, column) - q * q;
      const cov = mab(row, column) - p * q;
      sum += ((2 * p * q + 6.5025) * (2 * cov + 58.5225)) / ((p * p + q * q + 6.5025) * (va + vb + 58.5225));
    }
  return sum / ((height - 6) * (width - 6));
}

/** Correlation of x with itself, `down` rows and `right` columns further. */
function lagCorrelation(x: Float64Array, height: number, width: number, down: number, right: number): number {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  let product = 0;
  let count = 0;
  for (let row = 0; row + down < height; row++)
    for (let column = 0; column + right < width; column++, count++)
      product += (x[row * width + column]! - mean) * (x[(row + down) * width + column + right]! - mean);
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
  return variance === 0 ? 0 : product / count / variance;
}

/** The floors of `ACCEPT.json` belong to metrics by the longest prefix of their name. */
export function floorOf(metric: string, floors: Readonly<Record<string, number>>): number {
  const prefix = Object.keys(floors)
    .filter((name) => metric.startsWith(name))
    .sort((a, b) => b.length - a.length)[0];
  if (prefix === undefined) throw new RangeError(`floorOf: ACCEPT.json has no floor for ${metric}`);
  return floors[prefix]!;
}
