import { philoxUniforms } from '@qgen/core';

/** A field on a torus, row by row. */
export interface Field {
  readonly height: number;
  readonly width: number;
  readonly values: Float32Array;
}

/** Uniforms in [0, 1), one after the other, of a fixed seed and stream. */
export type Uniform = () => number;

const FROST_SEED = 5;
const BLOCK = 4096;

export function uniformsOf(stream: number): Uniform {
  let block = new Float32Array(0);
  let offset = 0;
  return () => {
    if (offset % BLOCK === 0) block = philoxUniforms(BLOCK, { seed: FROST_SEED, stream, offset });
    return block[offset++ % BLOCK];
  };
}

/**
 * Lays a needle over the field: from (x, y) `length` pixels along `angle` (radians), `width` pixels wide at its root and
 * tapering, of brightness `level`. Within it the field becomes (1 − α) field + α level, α falling from the middle line
 * to the edge as (1 − d²)².
 */
export function drawNeedle(
  { height, width, values }: Field,
  x: number,
  y: number,
  angle: number,
  length: number,
  thickness: number,
  level: number,
): void {
  const dx = Math.cos(angle);
  const dy = Math.sin(angle);
  const x1 = x + length * dx;
  const y1 = y + length * dy;
  const pad = thickness + 1;
  const top = Math.floor(Math.min(y, y1) - pad);
  const bottom = Math.ceil(Math.max(y, y1) + pad);
  const left = Math.floor(Math.min(x, x1) - pad);
  const right = Math.ceil(Math.max(x, x1) + pad);
  for (let row = top; row <= bottom; row++) {
    const line = (((row % height) + height) % height) * width;
    const down = row - y;
    for (let column = left; column <= right; column++) {
      const across = column - x;
      const along = across * dx + down * dy;
      if (along < -thickness || along > length + thickness) continue;
      const inside = along < 0 ? 0 : Math.min(along, length);
      const a = across - inside * dx;
      const b = down - inside * dy;
      const reach = thickness * (1 - (0.7 * inside) / length) + 0.4;
      const squared = (a * a + b * b) / (reach * reach);
      if (squared >= 1) continue;
      const alpha = (1 - squared) * (1 - squared);
      const at = line + (((column % width) + width) % width);
      values[at] = (1 - alpha) * values[at] + alpha * level;
    }
  }
}

/** A fern of ice: a spine with two rows of side needles, shorter toward its tip. */
export function drawFern(
  field: Field,
  x: number,
  y: number,
  angle: number,
  length: number,
  spread: number,
  level: number,
  uniform: Uniform,
): void {
  drawNeedle(field, x, y, angle, length, 1.4, level);
  for (let along = 2; along < length; along += 2.5 + 2 * uniform()) {
    const reach = spread * (1 - along / length) + 2;
    for (const side of [-1, 1]) {
      const turn = side * (0.85 + 0.3 * uniform());
      const root = level * (0.65 + 0.35 * uniform());
      drawNeedle(
        field,
        x + along * Math.cos(angle),
        y + along * Math.sin(angle),
        angle + turn,
        reach * (0.6 + 0.5 * uniform()),
        0.9,
        root,
      );
    }
  }
}

/** Adds smooth noise in −amplitude..amplitude: random levels on a lattice of cells, joined by cubic smoothsteps. */
export function addNoise(
  { height, width, values }: Field,
  cellHeight: number,
  cellWidth: number,
  amplitude: number,
  uniform: Uniform,
): void {
  const rows = Math.max(1, Math.round(height / cellHeight));
  const columns = Math.max(1, Math.round(width / cellWidth));
  const lattice = Float32Array.from({ length: rows * columns }, () => amplitude * (2 * uniform() - 1));
  const column = axis(width, columns);
  const row = axis(height, rows);
  for (let y = 0, at = 0; y < height; y++) {
    const above = row.before[y] * columns;
    const below = row.after[y] * columns;
    const down = row.weight[y];
    for (let x = 0; x < width; x++, at++) {
      const left = column.before[x];
      const right = column.after[x];
      const across = column.weight[x];
      const upper = lattice[above + left] + across * (lattice[above + right] - lattice[above + left]);
      const lower = lattice[below + left] + across * (lattice[below + right] - lattice[below + left]);
      values[at] += upper + down * (lower - upper);
    }
  }
}

function axis(size: number, cells: number) {
  const before = new Int32Array(size);
  const after = new Int32Array(size);
  const weight = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const position = (i * cells) / size;
    const t = position - Math.floor(position);
    before[i] = Math.floor(position);
    after[i] = (before[i] + 1) % cells;
    weight[i] = t * t * (3 - 2 * t);
  }
  return { before, after, weight };
}
