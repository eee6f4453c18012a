/** What the module of ./simd exports. Numbers that name arrays are addresses in its memory. */
export interface SimdKernels {
  readonly memory: WebAssembly.Memory;
  addNoise(levels: number, noise: number, out: number, n: number, scale: number, speckle: boolean): void;
  addZoomed(
    x: number,
    sum: number,
    row: number,
    stride: number,
    rows: number,
    height: number,
    columns: number,
    width: number,
  ): void;
  averaged(
    levels: number,
    out: number,
    outer: number,
    length: number,
    inner: number,
    first: number,
    count: number,
    to: number,
  ): void;
  blend(levels: number, texture: number, n: number, a: number, b: number): void;
  channelSums(levels: number, n: number, channels: number, out: number): void;
  codePlane(samples: number, out: number, height: number, width: number, table: number): void;
  displaced(
    image: number,
    out: number,
    height: number,
    width: number,
    channels: number,
    dxs: number,
    dys: number,
  ): void;
  doublesOfFloats(from: number, to: number, n: number): void;
  doublesOfLevels(from: number, to: number, n: number): void;
  floatsOfDoubles(from: number, to: number, n: number, scale: number): void;
  enlarged(
    small: number,
    out: number,
    rows: number,
    height: number,
    columns: number,
    width: number,
    stride: number,
    channels: number,
  ): void;
  flakeLayer(
    normal: number,
    out: number,
    stride: number,
    mean: number,
    deviation: number,
    threshold: number,
    rowLow: number,
    rowHigh: number,
    rowWeight: number,
    height: number,
    columnLow: number,
    columnHigh: number,
    columnWeight: number,
    width: number,
  ): void;
  flip(levels: number, mask: number, n: number): void;
  glassOffsets(words: number, out: number, n: number, d: number): void;
  halved(plane: number, out: number, height: number, width: number, halfWidth: number): void;
  heapBase(): number;
  impulseMask(uniforms: number, mask: number, n: number, p: number): void;
  levelsOfDoubles(from: number, to: number, n: number): void;
  levelsOfFloats(from: number, to: number, n: number): number;
  levelsOfIntegers(from: number, to: number, n: number): number;
  looked(levels: number, n: number, channels: number, tables: number): void;
  meanLevels(x: number, sum: number, out: number, pixels: number, channels: number, count: number): void;
  paddedLevels(
    from: number,
    to: number,
    rows: number,
    height: number,
    columns: number,
    width: number,
    stride: number,
    channels: number,
  ): void;
  photons(
    levels: number,
    uniforms: number,
    n: number,
    thresholds: number,
    starts: number,
    guides: number,
    perLevel: number,
    levelOf: number,
    most: number,
  ): void;
  pixelsOfLevels(from: number, to: number, pixels: number, channels: number, scale: number): void;
  plasma(map: number, m: number, decay: number, uniform: number): void;
  shuffle(
    levels: number,
    offsets: number,
    height: number,
    width: number,
    channels: number,
    d: number,
    iterations: number,
  ): void;
  smoothed(
    x: number,
    out: number,
    height: number,
    width: number,
    channels: number,
    tapsY: number,
    radiusY: number,
    tapsX: number,
    radiusX: number,
    columns: number,
    row: number,
  ): void;
  snowed(levels: number, out: number, pixels: number, channels: number, flakes: number, keep: number): void;
  toRgb(
    y: number,
    cb: number,
    cr: number,
    stride: number,
    out: number,
    height: number,
    width: number,
    scratch: number,
  ): void;
  toYCbCr(levels: number, pixels: number, y: number, cb: number, cr: number): void;
  veil(
    levels: number,
    out: number,
    height: number,
    width: number,
    channels: number,
    map: number,
    stride: number,
    c: number,
    most: number,
  ): void;
  warped(image: number, out: number, height: number, width: number, xs: number, ys: number): void;
  weightedRay(
    x: number,
    out: number,
    rows: number,
    length: number,
    stride: number,
    weights: number,
    offsets: number,
    count: number,
    bias: number,
    quantum: boolean,
  ): void;
}
