import type { Bits } from '../protocol';
import { placeholder } from './placeholder';
import { precisionName } from './precision';
import { rampColor } from './ramp';
import type { Size } from './sized';
import type { Camera } from './turning';

/** A loss landscape as far as it is known: `rows[i][j]` is the loss at (x_i, y_j) of a square grid over -1..1. */
export interface Landscape {
  readonly bits: Bits;
  readonly rows: readonly (readonly number[])[];
  readonly size: number;
  /** The loss at the top of the vertical axis, one for all networks. */
  readonly top: number;
  readonly camera: Camera;
}

/** The tallest that the landscape may be, for a floor of 2 by 2. */
const TALLEST = 2.6;
/** The floor's share of the height at most. */
const FLOOR = 0.45;
const MARGIN = { side: 22, top: 12, bottom: 6 };

/** The landscape as an SVG, seen from so far that parallels stay parallel. */
export function surface({ bits, rows, size, top, camera }: Landscape, { width, height }: Size): Element {
  if (rows.length < 2) return placeholder('Measured after training.');
  const [turn, tilt] = [camera.turn, camera.tilt].map((degrees) => (degrees * Math.PI) / 180);
  const [up, back] = [Math.cos(tilt), Math.sin(tilt)];
  // The floor fits at every turn: half its diagonal is √2. The landscape takes what height the floor leaves.
  const room = height - MARGIN.top - MARGIN.bottom;
  const scale = Math.min(width / 2 - MARGIN.side, (FLOOR * room) / (2 * back)) / Math.SQRT2;
  const half = Math.SQRT2 * scale * back;
  const rise = Math.min(room - 2 * half, TALLEST * scale * up);
  const middle = height - MARGIN.bottom - (room - 2 * half - rise) / 2 - half;
  const depth = (x: number, y: number) => x * Math.sin(turn) + y * Math.cos(turn);
  const place = (x: number, y: number, share: number): readonly [number, number] => [
    width / 2 + scale * (x * Math.cos(turn) - y * Math.sin(turn)),
    middle - scale * depth(x, y) * back - rise * share,
  ];
  const text = (points: readonly (readonly [number, number])[]) =>
    points.map((p) => p.map((v) => v.toFixed(1)).join()).join(' ');
  const at = (i: number) => -1 + (2 * i) / (size - 1);

  const quads = rows.slice(1).flatMap((_, i) =>
    Array.from({ length: size - 1 }, (_, j) => {
      const corners = [
        [i, j],
        [i + 1, j],
        [i + 1, j + 1],
        [i, j + 1],
      ] as const;
      const losses = corners.map(([a, b]) => rows[a][b]);
      return {
        depth: depth(at(i + 0.5), at(j + 0.5)),
        loss: losses.reduce((sum, loss) => sum + loss, 0) / 4,
        points: text(corners.map(([a, b], k) => place(at(a), at(b), losses[k] / top))),
      };
    }),
  );
  const holes = rows.flat().filter((loss) => !Number.isFinite(loss)).length;
  const drawn = quads.filter(({ loss }) => Number.isFinite(loss)).sort((a, b) => b.depth - a.depth);

  const floor = (
    [
      [-1, -1],
      [1, -1],
      [1, 1],
      [-1, 1],
    ] as const
  ).map(([x, y]) => ({ x, y, foot: place(x, y, 0) }));
  const left = floor.reduce((a, b) => (b.foot[0] < a.foot[0] ? b : a));
  const head = place(left.x, left.y, 1);
  const middleLoss = rows[(size - 1) / 2]?.[(size - 1) / 2];
  const net = Number.isFinite(middleLoss) ? place(0, 0, middleLoss / top) : undefined;

  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('width', String(width));
  svg.setAttribute('height', String(height));
  svg.setAttribute('role', 'img');
  const lowest = Math.min(...rows.flat().filter(Number.isFinite));
  const highest = Math.max(...rows.flat().filter(Number.isFinite));
  svg.setAttribute(
    'aria-label',
    `${precisionName(bits)}: losses from ${lowest.toPrecision(2)} to ${highest.toPrecision(2)} over ${rows.length} of ${size} rows${holes ? `, not finite at ${holes} points` : ''}`,
  );
  svg.innerHTML = [
    `<polygon class="floor" points="${text(floor.map(({ foot }) => foot))}"/>`,
    ...drawn.map(
      ({ points, loss }) => `<polygon class="patch" points="${points}" fill="${rampColor(Math.sqrt(loss / top))}"/>`,
    ),
    ...(net ? [`<circle class="net" cx="${net[0].toFixed(1)}" cy="${net[1].toFixed(1)}" r="3.5"/>`] : []),
    `<line class="axis" x1="${left.foot[0]}" y1="${left.foot[1]}" x2="${head[0]}" y2="${head[1]}"/>`,
    `<text x="${left.foot[0] - 4}" y="${left.foot[1]}">0</text>`,
    `<text x="${head[0] - 4}" y="${head[1] + 8}">${top.toPrecision(2)}</text>`,
    ...(holes ? [`<text class="note" x="${width / 2}" y="10">not finite at ${holes} points</text>`] : []),
  ].join('');
  return svg;
}
