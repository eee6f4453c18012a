/**
 * `npm run landscapes`: the picture of the README. One network learns handwritten digits at 32, 8, 4 and 2 bits, from the
 * same weights on the same data; drawn is the training loss over the same plane around each of the four minima.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as Plot from '@observablehq/plot';
import { modelSize, quantizeModel } from '@qgen/lsq';
import { generalizationGap, type LossPlane, lossLandscape } from '@qgen/measures';
import * as tf from '@tensorflow/tfjs-core';
import { digits, smallNetwork, trained } from '../shared/digits';

const BITS = [32, 8, 4, 2] as const;
const EPOCHS = 12;
const SIDE = 22;
const WIDTH = 240;
const HEIGHT = 255;

interface Panel {
  readonly bits: number;
  readonly plane: LossPlane;
  readonly words: string;
}

const data = await digits();
const some = { xs: tf.slice(data.train.xs, 0, 500), ys: data.train.ys.subarray(0, 500) };
const coordinates = Array.from({ length: SIDE + 1 }, (_, i) => (2 * i) / SIDE - 1);
const panels: Panel[] = [];
for (const bits of BITS) {
  const float = smallNetwork();
  const model = await trained(
    bits === 32 ? float : await quantizeModel(float, { bits, firstLast: 'same' }),
    data,
    EPOCHS,
  );
  const { test, lossGap } = await generalizationGap(model, data.train, data.test);
  const { quantizedBytes } = modelSize(model);
  const words = `${(100 * test.accuracy).toFixed(1)} % right · gap ${lossGap.value.toFixed(2)} · ${(quantizedBytes / 1024).toFixed(1)} KiB`;
  const plane = await lossLandscape(model, some, { dimensions: 2, x: coordinates, y: coordinates, seed: 4 });
  panels.push({ bits, plane, words });
  console.log(
    `${bits} bits: ${words}; loss ${Math.min(...plane.loss.flat()).toPrecision(2)} to ${Math.max(...plane.loss.flat()).toPrecision(3)}`,
  );
}
const losses = panels.flatMap(({ plane }) => plane.loss.flat());
const least = Math.min(...losses);
const most = Math.max(...losses);
const colour = Plot.scale({ color: { type: 'log', scheme: 'viridis', domain: [least, most] } });
const height = (loss: number) => Math.log(loss / least) / Math.log(most / least);

/** A point of the plane, seen from above a corner. */
function seen(x: number, y: number, loss: number): readonly [number, number] {
  return [WIDTH / 2 + 57 * (x - y), 180 + 26 * (x + y) - 122 * height(loss)];
}

function surface({ plane }: Panel): string {
  const { x, y, loss } = plane;
  const corners = (i: number, j: number) =>
    [
      [i, j],
      [i + 1, j],
      [i + 1, j + 1],
      [i, j + 1],
    ].map(([a, b]) => seen(x[a!]!, y[b!]!, loss[a!]![b!]!));
  const cells = x.slice(1).flatMap((_, i) => y.slice(1).map((_, j) => ({ i, j })));
  // From the back to the front, so that what is near hides what is far.
  cells.sort((a, b) => a.i + a.j - (b.i + b.j));
  return cells
    .map(({ i, j }) => {
      const mean = (loss[i]![j]! + loss[i + 1]![j]! + loss[i]![j + 1]! + loss[i + 1]![j + 1]!) / 4;
      const path = corners(i, j)
        .map(([a, b]) => `${a.toFixed(1)},${b.toFixed(1)}`)
        .join(' ');
      return `<polygon fill="${colour.apply(mean)}" points="${path}"/>`;
    })
    .join('');
}

function picture(ink: string): string {
  const drawn = panels.map((panel, i) => {
    const text = (y: number, size: number, weight: number, words: string) =>
      `<text x="${WIDTH / 2}" y="${y}" font-size="${size}" font-weight="${weight}">${words}</text>`;
    return `<g transform="translate(${i * WIDTH},0)"><g stroke="#fff" stroke-opacity=".25" stroke-width=".4">${surface(panel)}</g>${text(226, 17, 700, `${panel.bits} bits`)}${text(246, 11.5, 400, panel.words)}</g>`;
  });
  const label = `The training loss around the minima of one network at ${BITS.join(', ')} bits, on one scale`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH * panels.length} ${HEIGHT}" role="img" aria-label="${label}" font-family="system-ui,sans-serif" text-anchor="middle" fill="${ink}">${drawn.join('')}</svg>\n`;
}

const images = join(import.meta.dirname, '../../docs/images');
writeFileSync(join(images, 'landscapes-light.svg'), picture('#1f2328'));
writeFileSync(join(images, 'landscapes-dark.svg'), picture('#e6edf3'));
