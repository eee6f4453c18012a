/** tan 22.5° in 15-bit fixed point. */
const TANGENT_22 = 13573;

/**
 * Canny's edges ("A computational approach to edge detection", PAMI 1986) of an 8-bit grid as OpenCV finds them: Sobel
 * gradients of 3×3 with the edge repeated, the magnitude |gx| + |gy|, thinned across the edge, kept above `high` and,
 * where they touch such an edge, above `low`. 1 on edges, 0 elsewhere.
 */
export function cannyEdges(levels: Uint8Array, height: number, width: number, low: number, high: number): Uint8Array {
  const gx = new Int32Array(levels.length);
  const gy = new Int32Array(levels.length);
  for (let y = 0, i = 0; y < height; y++) {
    const row = y * width;
    const above = Math.max(y - 1, 0) * width;
    const below = Math.min(y + 1, height - 1) * width;
    for (let x = 0; x < width; x++, i++) {
      const left = Math.max(x - 1, 0);
      const right = Math.min(x + 1, width - 1);
      const [nw, ne] = [levels[above + left]!, levels[above + right]!];
      const [sw, se] = [levels[below + left]!, levels[below + right]!];
      gx[i] = ne + 2 * levels[row + right]! + se - nw - 2 * levels[row + left]! - sw;
      gy[i] = sw + 2 * levels[below + x]! + se - nw - 2 * levels[above + x]! - ne;
    }
  }
  const magnitude = (y: number, x: number) =>
    y < 0 || x < 0 || y >= height || x >= width ? 0 : Math.abs(gx[y * width + x]!) + Math.abs(gy[y * width + x]!);

  const candidate = new Uint8Array(levels.length);
  const edges = new Uint8Array(levels.length);
  const open: number[] = [];
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      const m = magnitude(y, x);
      if (m <= low) continue;
      const [dy, dx] = acrossEdge(gx[i]!, gy[i]!);
      const before = magnitude(y - dy, x - dx);
      const after = magnitude(y + dy, x + dx);
      // Straight neighbours that tie keep the later of two, diagonal ones neither.
      const thin = dx === 0 || dy === 0 ? m > before && m >= after : m > before && m > after;
      if (!thin) continue;
      candidate[i] = 1;
      if (m > high) {
        edges[i] = 1;
        open.push(i);
      }
    }
  for (let i = open.pop(); i !== undefined; i = open.pop())
    for (let dy = -1; dy <= 1; dy++)
      for (let dx = -1; dx <= 1; dx++) {
        const y = Math.floor(i / width) + dy;
        const x = (i % width) + dx;
        const j = y * width + x;
        if (y < 0 || x < 0 || y >= height || x >= width || !candidate[j] || edges[j]) continue;
        edges[j] = 1;
        open.push(j);
      }
  return edges;
}

/** The step (dy, dx) to the neighbour across the edge: one of four directions, by the angle of the gradient. */
function acrossEdge(gx: number, gy: number): readonly [dy: number, dx: number] {
  const x = Math.abs(gx);
  const y = Math.abs(gy) * 2 ** 15;
  const tangent22 = x * TANGENT_22;
  if (y < tangent22) return [0, 1];
  if (y > tangent22 + x * 2 ** 16) return [1, 0];
  return [1, gx < 0 !== gy < 0 ? -1 : 1];
}
