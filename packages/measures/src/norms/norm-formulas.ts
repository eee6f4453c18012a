/** Squared norms of one kernel reshaped to [out, rest]. */
export interface LayerNorms {
  readonly name: string;
  /** |W|² */
  readonly frobenius: number;
  /** The square of the largest singular value of W. */
  readonly spectral: number;
  /** The same of the layer as a circular convolution over images of the input's size; null where it is none. */
  readonly spectralFft: number | null;
  /** Of W - W0; null without a snapshot. */
  readonly distanceFrobenius: number | null;
  readonly distanceSpectral: number | null;
  readonly distanceSpectralFft: number | null;
}

/** The quantities that the norm measures are computed from. */
export interface NormIngredients {
  readonly layers: readonly LayerNorms[];
  /** The number of weights. */
  readonly count: number;
  /** The margin, of which the measures take the absolute value. */
  readonly margin: number;
  readonly pathNorm: number | null;
}

/** The measures of norms and margins of the official code of Dziugaite et al. 2020; see `normMeasures`. */
export const NORM_MEASURE_IDS = [
  'L2',
  'L2_DIST',
  'PARAMS',
  'INVERSE_MARGIN',
  'LOG_PROD_OF_SPEC',
  'LOG_PROD_OF_SPEC_OVER_MARGIN',
  'FRO_OVER_SPEC',
  'LOG_SPEC_INIT_MAIN',
  'LOG_SPEC_ORIG_MAIN',
  'LOG_SUM_OF_SPEC',
  'LOG_SUM_OF_SPEC_OVER_MARGIN',
  'DIST_SPEC_INIT',
  'LOG_PROD_OF_SPEC_FFT',
  'LOG_PROD_OF_SPEC_OVER_MARGIN_FFT',
  'FRO_OVER_SPEC_FFT',
  'LOG_SPEC_INIT_MAIN_FFT',
  'LOG_SPEC_ORIG_MAIN_FFT',
  'LOG_SUM_OF_SPEC_FFT',
  'LOG_SUM_OF_SPEC_OVER_MARGIN_FFT',
  'DIST_SPEC_INIT_FFT',
  'LOG_PROD_OF_FRO',
  'LOG_PROD_OF_FRO_OVER_MARGIN',
  'LOG_SUM_OF_FRO',
  'LOG_SUM_OF_FRO_OVER_MARGIN',
  'FRO_DIST',
  'PARAM_NORM',
  'PATH_NORM',
  'PATH_NORM_OVER_MARGIN',
] as const;

export type NormMeasureId = (typeof NORM_MEASURE_IDS)[number];

/**
 * The raw measures, Jiang et al. 2019 by equation number, from squared spectral norms S_l, squared Frobenius norms F_l,
 * those of W - W0 (DS_l, DF_l), the number of layers d and the margin g. NaN or infinite where an ingredient is missing.
 */
export function normFormulas({ layers, count, margin, pathNorm }: NormIngredients): Record<NormMeasureId, number> {
  const column = (of: (layer: LayerNorms) => number | null) => layers.map((layer) => of(layer) ?? Number.NaN);
  const F = column((layer) => layer.frobenius);
  const DF = column((layer) => layer.distanceFrobenius);
  const g2 = margin ** 2;
  const path = pathNorm ?? Number.NaN;

  const products = (squares: readonly number[]) => {
    const logProduct = sum(squares.map(Math.log));
    const logSum = (logOfProduct: number) => Math.log(layers.length) + logOfProduct / layers.length;
    return {
      logProduct,
      logProductOverMargin: logProduct - Math.log(g2),
      logSum: logSum(logProduct),
      logSumOverMargin: logSum(logProduct - Math.log(g2)),
    };
  };
  const spectral = (S: readonly number[], DS: readonly number[]) => {
    const { logProduct, logProductOverMargin, logSum, logSumOverMargin } = products(S);
    const ratio = (numerators: readonly number[]) => sum(numerators.map((value, l) => value / S[l]));
    return {
      logProduct, // 32
      logProductOverMargin, // 31
      frobeniusOverSpectral: ratio(F), // 33
      initMain: logProductOverMargin + Math.log(ratio(DF)), // 29
      origMain: logProductOverMargin + Math.log(ratio(F)), // 30
      logSum, // 35
      logSumOverMargin, // 34
      distance: sum(DS), // 41
    };
  };
  const plain = spectral(
    column((layer) => layer.spectral),
    column((layer) => layer.distanceSpectral),
  );
  const fft = spectral(
    column((layer) => layer.spectralFft),
    column((layer) => layer.distanceSpectralFft),
  );
  const frobenius = products(F);
  return {
    L2: Math.sqrt(sum(F)), // 100
    L2_DIST: Math.sqrt(sum(DF)), // 101
    PARAMS: count, // 20
    INVERSE_MARGIN: 1 / g2, // 22
    LOG_PROD_OF_SPEC: plain.logProduct,
    LOG_PROD_OF_SPEC_OVER_MARGIN: plain.logProductOverMargin,
    FRO_OVER_SPEC: plain.frobeniusOverSpectral,
    LOG_SPEC_INIT_MAIN: plain.initMain,
    LOG_SPEC_ORIG_MAIN: plain.origMain,
    LOG_SUM_OF_SPEC: plain.logSum,
    LOG_SUM_OF_SPEC_OVER_MARGIN: plain.logSumOverMargin,
    DIST_SPEC_INIT: plain.distance,
    LOG_PROD_OF_SPEC_FFT: fft.logProduct,
    LOG_PROD_OF_SPEC_OVER_MARGIN_FFT: fft.logProductOverMargin,
    FRO_OVER_SPEC_FFT: fft.frobeniusOverSpectral,
    LOG_SPEC_INIT_MAIN_FFT: fft.initMain,
    LOG_SPEC_ORIG_MAIN_FFT: fft.origMain,
    LOG_SUM_OF_SPEC_FFT: fft.logSum,
    LOG_SUM_OF_SPEC_OVER_MARGIN_FFT: fft.logSumOverMargin,
    DIST_SPEC_INIT_FFT: fft.distance,
    LOG_PROD_OF_FRO: frobenius.logProduct, // 37
    LOG_PROD_OF_FRO_OVER_MARGIN: frobenius.logProductOverMargin, // 36
    LOG_SUM_OF_FRO: frobenius.logSum, // 39
    LOG_SUM_OF_FRO_OVER_MARGIN: frobenius.logSumOverMargin, // 38
    FRO_DIST: sum(DF), // 40
    PARAM_NORM: sum(F), // 42
    PATH_NORM: path, // 44
    PATH_NORM_OVER_MARGIN: path / g2, // 43
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
