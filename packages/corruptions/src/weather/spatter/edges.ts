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
  // A pixel of nothing on every side spares the questions whether a neighbour exists.
  const stride = width + 2;
  const magnitude = new Int32Array((height + 2) * stride);
  for (let y = 0, i = 0; y < height; y++) {
    const row = y * width;
    const above = Math.max(y - 1, 0) * width;
    const below = Math.min(y + 1, height - 1) * width;
    for (let x = 0; x < width; x++, i++) {
      const left = Math.max(x - 1, 0);
      const right = Math.min(x + 1, width - 1);
      const falling = levels[below + right] - levels[above + left];
      const rising = levels[above + right] - levels[below + left];
      gx[i] = falling + rising + 2 * (levels[row + right] - levels[row + left]);
      gy[i] = falling - rising + 2 * (levels[below + x] - levels[above + x]);
      magnitude[(y + 1) * stride + x + 1] = Math.abs(gx[i]) + Math.abs(gy[i]);
    }
  }

  const candidate = new Uint8Array(magnitude.length);
  const edges = new Uint8Array(levels.length);
  const open: number[] = [];
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      const at = (y + 1) * stride + x + 1;
      const m = magnitude[at];
      if (m <= low) continue;
      const across = acrossEdge(gx[i], gy[i], stride);
      const before = magnitude[at - across];
      const after = magnitude[at + across];
      // Straight neighbours that tie keep the later of two, diagonal ones neither.
      const straight = across === 1 || across === stride;
      if (m <= before || (straight ? m < after : m <= after)) continue;
      candidate[at] = 1;
      if (m > high) open.push(at);
    }
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (candidate[at] === 0) continue;
    candidate[at] = 0;
    edges[(Math.trunc(at / stride) - 1) * width + (at % stride) - 1] = 1;
    for (let row = at - stride; row <= at + stride; row += stride)
      for (let next = row - 1; next <= row + 1; next++) if (candidate[next] === 1) open.push(next);
  }
  return edges;
}

/** The step to the neighbour across the edge: one of four directions, by the angle of the gradient. */
function acrossEdge(gx: number, gy: number, stride: number): number {
  const x = Math.abs(gx);
  const y = Math.abs(gy) * 2 ** 15;
  const tangent22 = x * TANGENT_22;
  if (y < tangent22) return 1;
  if (y > tangent22 + x * 2 ** 16) return stride;
  return gx < 0 !== gy < 0 ? stride - 1 : stride + 1;
}
