import { addNoise, drawFern, drawNeedle, type Field, type Uniform } from './crystals';
import type { FrostStyle } from './frost-synthesis';

/** Smooth noise of several cell sizes in pixels. */
function addClouds(field: Field, sizes: readonly (readonly [cell: number, amplitude: number])[], uniform: Uniform) {
  for (const [cell, amplitude] of sizes) addNoise(field, cell, amplitude, uniform);
}

/** Cyan glass under a net of fine cracks, as frost1. */
const pane: FrostStyle['draw'] = (field, uniform) => {
  addClouds(
    field,
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
    let angle = -0.55 + (uniform() - 0.5) * 1.6;
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
    [
      [120, 0.8],
      [60, 0.5],
      [30, 0.3],
      [6, 0.25],
    ],
    uniform,
  );
  for (let sheaf = 0; sheaf < 700; sheaf++) {
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
    [
      [150, 0.6],
      [70, 0.4],
      [35, 0.3],
      [16, 0.3],
    ],
    uniform,
  );
  for (let star = 0; star < 4200; star++) {
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
        turn + needle * (0.5 + 0.3 * uniform()),
        reach * (0.5 + uniform()),
        0.8 + 2.6 * uniform() ** 2,
        sign * (0.2 + 1.3 * uniform()) * (needle % 2 ? -0.5 : 1),
      );
  }
};

/** Pale ferns on dark glass, the later the brighter, as frost5. */
const ferns: FrostStyle['draw'] = (field, uniform) => {
  addClouds(
    field,
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
    bands: [2.0409, 1.6101, 1.4872, 1.9686, 1.57, 4.0226, 3.6801],
    grain: 0.35,
    softness: 0.1486,
    brightness: [0.0918, -0.0707, -0.121, 0.2544, -0.2771],
    contrast: [-0.091, -0.013, 0.1139, -0.039, 0.1283],
    skew: 0.195,
    tails: 1.1151,
    offset: [66.82, 143.36, 161.04],
    gain: [18.113, 11.107, 10.578],
    correlation: [0.801, 0.537, 0.9266],
  },
  {
    height: 315,
    width: 560,
    draw: feathers,
    bands: [2.4801, 3.8009, 2.8518, 2.5284, 2.9226, 4.082, 2.8866],
    grain: 0.4076,
    softness: 0.0926,
    brightness: [0.03, -0.0352, -0.1143, -0.0349, -0.0209],
    contrast: [0.044, 0.0629, 0.0698, 0.0214, 0.0664],
    skew: -0.0566,
    tails: 1.0781,
    offset: [193.95, 198.47, 207.2],
    gain: [14.649, 15.139, 15.683],
    correlation: [0.9954, 0.9912, 0.9954],
  },
  {
    height: 350,
    width: 527,
    draw: stars,
    bands: [2.8655, 2.6784, 2.8979, 2.4358, 1.6794, 3.0843, 3.7707],
    grain: 0.3839,
    softness: 0.0662,
    brightness: [-0.01, -0.0136, -0.0119, 0.0017, -0.1122],
    contrast: [-0.0388, -0.0748, 0.0187, -0.0222, 0.0371],
    skew: -0.0131,
    tails: 1.061,
    offset: [146.67, 161.39, 174.61],
    gain: [18.775, 18.881, 19.639],
    correlation: [0.9971, 0.9903, 0.9919],
  },
  {
    height: 495,
    width: 660,
    draw: ferns,
    bands: [3.4176, 5.6834, 6.5996, 3.8501, 4.5119, 2.7774, 4.9186],
    grain: 1.7244,
    softness: -0.0347,
    brightness: [0.2964, -0.2585, 0.1739, -0.0617, 0.0813],
    contrast: [0.4306, 0.2966, 0.2411, -0.1795, -0.2727],
    skew: 0.0001,
    tails: 0.6461,
    offset: [78.3, 90.58, 102.37],
    gain: [35.78, 35.318, 34.54],
    correlation: [0.9996, 0.9984, 0.9992],
  },
];
