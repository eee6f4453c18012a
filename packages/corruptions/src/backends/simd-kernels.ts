/** What the module of ./simd exports. Numbers that name arrays are addresses in its memory. */
export interface SimdKernels {
  readonly memory: WebAssembly.Memory;
  addNoise(levels: number, noise: number, n: number, c: number, speckle: boolean): void;
  averagedColumns(levels: number, out: number, n: number, first: number, count: number, to: number): void;
  averagedRows(
    levels: number,
    out: number,
    height: number,
    length: number,
    channels: number,
    first: number,
    count: number,
    to: number,
  ): void;
  blend(levels: number, texture: number, n: number, a: number, b: number): void;
  bordered(
    from: number,
    to: number,
    rows: number,
    height: number,
    columns: number,
    before: number,
    width: number,
    after: number,
    channels: number,
  ): void;
  brightest(levels: number, n: number): number;
  channelSums(levels: number, n: number, out: number): void;
  codePlane(samples: number, out: number, height: number, width: number, table: number): void;
  correlatedInDoubles(
    x: number,
    out: number,
    rows: number,
    length: number,
    stride: number,
    weights: number,
    offsets: number,
    count: number,
  ): void;
  correlatedInFloats(
    x: number,
    out: number,
    rows: number,
    length: number,
    stride: number,
    weights: number,
    offsets: number,
    count: number,
    quantum: boolean,
  ): void;
  counted(counts: number, levels: number, n: number, levelOf: number, most: number): void;
  cutOff(values: number, n: number, threshold: number): void;
  cutOffFloats(values: number, n: number, threshold: number): void;
  diskBlurred(
    x: number,
    out: number,
    height: number,
    width: number,
    channels: number,
    stride: number,
    radius: number,
    entering: number,
    leaving: number,
    half: number,
    taps: number,
    scale: number,
    extra: number,
    ring: number,
    line: number,
  ): void;
  displaced(
    image: number,
    out: number,
    height: number,
    width: number,
    channels: number,
    dxs: number,
    dys: number,
  ): void;
  editHsv(at: number, pixels: number, a: number, b: number, c: number): void;
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
  exceeding(values: number, out: number, n: number, threshold: number): void;
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
    low: number,
    high: number,
  ): void;
  flip(levels: number, mask: number, n: number): void;
  floatsOfLevels(from: number, to: number, n: number): void;
  glassOffsets(words: number, out: number, n: number, d: number): void;
  halved(plane: number, out: number, height: number, width: number, halfWidth: number): void;
  heapBase(): number;
  impulseMask(uniforms: number, mask: number, n: number, p: number): void;
  integersOfLevels(from: number, to: number, n: number): void;
  levelsOfFloats(from: number, to: number, n: number): number;
  levelsOfIntegers(from: number, to: number, n: number): number;
  loadDoubles(from: number, to: number, n: number, kind: number): void;
  applyTables(levels: number, n: number, channels: number, tables: number): void;
  matMul(a: number, b: number, c: number, m: number, n: number, k: number, panel: number): void;
  poissonNoise(
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
  pixelsOfLevels(from: number, to: number, pixels: number, channels: number): void;
  plasma(map: number, m: number, decay: number, uniform: number, extremes: number): void;
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
    from: number,
    out: number,
    height: number,
    width: number,
    channels: number,
    tapsY: number,
    radiusY: number,
    tapsX: number,
    radiusX: number,
    rows: number,
    columns: number,
    kind: number,
    scale: number,
    ring: number,
    row: number,
    line: number,
    pairs: number,
  ): void;
  snowed(levels: number, pixels: number, channels: number, flakes: number, keep: number, rest: number): void;
  spattered(
    levels: number,
    pixels: number,
    channels: number,
    mask: number,
    red: number,
    green: number,
    blue: number,
    mud: boolean,
  ): void;
  storeDoubles(from: number, to: number, n: number, kind: number, scale: number): void;
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
  unitsOfLevels(from: number, to: number, n: number): void;
  addFog(
    levels: number,
    height: number,
    width: number,
    channels: number,
    map: number,
    stride: number,
    low: number,
    range: number,
    c: number,
    most: number,
  ): void;
  warped(image: number, out: number, height: number, width: number, rows: number, columns: number): void;
  waterMask(liquid: number, mask: number, height: number, width: number, strength: number, scratch: number): void;
  weightedNoise(normal: number, to: number, n: number, mean: number, deviation: number, weight: number): void;
  zoomedMean(
    x: number,
    out: number,
    height: number,
    width: number,
    channels: number,
    rows: number,
    columns: number,
    count: number,
    row: number,
    sum: number,
  ): void;
}
