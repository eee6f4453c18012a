import { addNoise, drawFern, drawNeedle, type Field, type Uniform } from './crystals';
import type { FrostStyle } from './frost-synthesis';

/** Smooth noise of several cell sizes in pixels, its cells `stretch`² times as high as wide. */
function addClouds(
  field: Field,
  stretch: number,
  sizes: readonly (readonly [cell: number, amplitude: number])[],
  uniform: Uniform,
): void {
  for (const [cell, amplitude] of sizes) addNoise(field, cell * stretch, cell / stretch, amplitude, uniform);
}

/** Cyan glass under a net of fine cracks, as frost1. */
const pane: FrostStyle['draw'] = (field, uniform) => {
  addClouds(
    field,
    1.25,
    [
      [160, 1],
      [80, 0.6],
      [40, 0.35],
      [20, 0.2],
      [10, 0.12],
      [5, 0.1],
    ],
    uniform,
  );
  for (let crack = 0; crack < 13000; crack++) {
    let x = uniform() * field.width;
    let y = uniform() * field.height;
    let angle = -0.8 + (uniform() - 0.5) * 1.6;
    const level = uniform() < 0.6 ? 1.2 * uniform() : -0.9 * uniform();
    const bends = 3 + Math.floor(4 * uniform());
    for (let bend = 0; bend < bends; bend++) {
      const length = 3 + 6 * uniform();
      drawNeedle(field, x, y, angle, length, 0.9, level);
      x += length * Math.cos(angle);
      y += length * Math.sin(angle);
      angle += (uniform() - 0.5) * 1.9;
    }
  }
};

/** White sheaves of long needles, as frost2 (and frost3, which is the same file). */
const feathers: FrostStyle['draw'] = (field, uniform) => {
  addClouds(
    field,
    1,
    [
      [120, 0.8],
      [60, 0.5],
      [30, 0.3],
      [6, 0.25],
    ],
    uniform,
  );
  for (let sheaf = 0; sheaf < 850; sheaf++) {
    const x = uniform() * field.width;
    const y = uniform() * field.height;
    const angle = (uniform() - 0.5) * Math.PI * 1.1;
    const needles = 5 + Math.floor(12 * uniform());
    const base = (uniform() - 0.5) * 1.2;
    for (let needle = 0; needle < needles; needle++)
      drawNeedle(
        field,
        x + (uniform() - 0.5) * 24,
        y + (uniform() - 0.5) * 24,
        angle + (uniform() - 0.5) * 0.5,
        10 + 40 * uniform() ** 2,
        0.5 + 1.9 * uniform() ** 2,
        base + (uniform() < 0.3 ? -1.3 * uniform() : 0.8 * uniform()),
      );
  }
};

/** Blue-grey stars of short needles and plates, as frost4. */
const stars: FrostStyle['draw'] = (field, uniform) => {
  addClouds(
    field,
    1.2,
    [
      [150, 0.6],
      [70, 0.4],
      [35, 0.3],
      [16, 0.3],
    ],
    uniform,
  );
  for (let star = 0; star < 6500; star++) {
    const x = uniform() * field.width;
    const y = uniform() * field.height;
    const turn = uniform() * 2 * Math.PI;
    const needles = 2 + Math.floor(5 * uniform());
    const reach = 3 + 13 * uniform() ** 2;
    const sign = uniform() < 0.5 ? 1 : -1;
    for (let needle = 0; needle < needles; needle++)
      drawNeedle(
        field,
        x,
        y,
        upright(turn + needle * (0.5 + 0.3 * uniform())),
        reach * (0.5 + uniform()),
        0.8 + 2.6 * uniform() ** 2,
        sign * (0.2 + 1.3 * uniform()) * (needle % 2 ? -0.5 : 1),
      );
  }
};

/** A direction drawn toward the vertical. */
const upright = (angle: number) => Math.atan2(1.25 * Math.sin(angle), Math.cos(angle));

/** Pale ferns on dark glass, the later the brighter, as frost5. */
const ferns: FrostStyle['draw'] = (field, uniform) => {
  addClouds(
    field,
    0.95,
    [
      [200, 0.5],
      [100, 0.3],
      [50, 0.2],
      [24, 0.15],
    ],
    uniform,
  );
  const count = 1500;
  for (let fern = 0; fern < count; fern++) {
    const x = uniform() * field.width;
    const y = uniform() * field.height;
    const length = 10 + 80 * uniform() ** 3;
    const angle = uniform() * 2 * Math.PI;
    const level = -0.2 + 1.3 * (fern / count) * uniform() + 0.4 * uniform();
    drawFern(field, x, y, angle, length, 5 + 0.22 * length, level, uniform);
  }
};

/**
 * The four frost images of ImageNet-C by their statistics. The numbers are fitted so that means, deviations, channel
 * correlations, quantiles, skewness, kurtosis, gradients, power spectrum and their variation between random crops, at
 * the three published scales, are those of the original files; the channel correlations are the measured ones.
 */
export const FROST_STYLES: readonly FrostStyle[] = [
  {
    height: 600,
    width: 900,
    draw: pane,
    upsideDown: false,
    mirrored: false,
    bands: [4.0727, 1.84, 1.9857, 3.5218, 2.5021, 10.4679, 5.1615],
    grain: 0.2801,
    softness: 0.3676,
    brightness: [0.2913, 0.1382, -0.3492, 0.363, -0.3977],
    contrast: [-0.1797, -0.0269, 0.2345, -0.2976, 0.113],
    patchiness: -0.0281,
    skew: 0.3577,
    tails: 1.2663,
    offset: [59.2, 139.14, 157.62],
    gain: [8.545, 5.783, 5.878],
    correlation: [0.801, 0.537, 0.9266],
  },
  {
    height: 315,
    width: 560,
    draw: feathers,
    upsideDown: true,
    mirrored: false,
    bands: [3.1404, 1.8746, 4.0219, 4.0767, 2.0009, 3.1318, 3.5557],
    grain: 1.8227,
    softness: 0.3952,
    brightness: [-0.1823, 1.7195, -0.1972, -1.5857, -0.5449],
    contrast: [0.0602, 0.0733, -0.1182, 0.3966, 0.0515],
    patchiness: 0.0433,
    skew: -0.3492,
    tails: 0.9724,
    offset: [192.67, 197.1, 205.48],
    gain: [13.789, 14.694, 15.572],
    correlation: [0.9954, 0.9912, 0.9954],
  },
  {
    height: 350,
    width: 527,
    draw: stars,
    upsideDown: true,
    mirrored: true,
    bands: [1.9711, 1.542, 1.3966, 2.3705, 2.8156, 1.8583, 4.7606],
    grain: 0.1365,
    softness: 0.2384,
    brightness: [-0.5771, 0.2363, 0.5045, 0.3232, -0.3614],
    contrast: [0.0259, 0.1653, 0.1372, 0.1986, 0.2521],
    patchiness: 0.3917,
    skew: -0.036,
    tails: 1.3545,
    offset: [148.88, 163.44, 177.09],
    gain: [23.962, 24.112, 25.264],
    correlation: [0.9971, 0.9903, 0.9919],
  },
  {
    height: 495,
    width: 660,
    draw: ferns,
    upsideDown: false,
    mirrored: true,
    bands: [2.8363, 3.3708, 6.3923, 3.6711, 3.9186, 2.4985, 3.4017],
    grain: 4.5145,
    softness: -0.1381,
    brightness: [0.855, -0.405, -0.0465, 0.1237, -0.1518],
    contrast: [0.4493, 0.1064, 0.0171, -0.1843, -0.1556],
    patchiness: 0.4719,
    skew: 0.1565,
    tails: 0.6356,
    offset: [83.82, 95.85, 107.62],
    gain: [34.991, 34.611, 33.907],
    correlation: [0.9996, 0.9984, 0.9992],
  },
];
