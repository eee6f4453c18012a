import { fakeQuant, fakeQuantWithOffset, integerCodes } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';

const signed4 = { bits: 4 } as const;

async function values(tensor: tf.Tensor): Promise<number[]> {
  // A sum with zero turns -0 into 0.
  return Array.from(await tensor.data(), (value) => value + 0);
}

/** The gradients for an upstream gradient of 1 at each element of `x`, at step 1 and without a gradient scale. */
async function gradientsAt(x: number[], options: Parameters<typeof fakeQuant>[2]) {
  const [dx, ds] = tf.grads((x, step) =>
    fakeQuant(x as tf.Tensor, step as tf.Tensor, { ...options, gradientScale: 'none' }),
  )([tf.tensor1d(x), tf.scalar(1)], tf.onesLike(tf.tensor1d(x)));
  return { dx: await values(dx!), ds: (await values(ds!))[0]! };
}

describe.each(backends)('fakeQuant on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('divides by the step, clips to the grid, rounds and multiplies: 0.3 / 0.25 = 1.2 is 1 and gives 0.25', async () => {
    const x = tf.tensor1d([0.3, -0.7, 5, -5, 0]);
    expect(await values(fakeQuant(x, tf.scalar(0.25), signed4))).toEqual([0.25, -0.75, 1.75, -2, 0]);
    expect(await values(integerCodes(x, tf.scalar(0.25), signed4))).toEqual([1, -3, 7, -8, 0]);
  });

  it('a tie goes to the even code, as in the reference implementations', async () => {
    const x = tf.tensor1d([-3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5]);
    expect(await values(fakeQuant(x, tf.scalar(1), signed4))).toEqual([-4, -2, -2, 0, 0, 2, 2, 4]);
  });

  it('an axis has a step for each of its slices', async () => {
    const x = tf.tensor2d([
      [1, 1],
      [3, 3],
    ]);
    const rows = tf.tensor2d([[1], [2]]);
    expect(await values(fakeQuant(x, rows, { ...signed4, axis: 0 }))).toEqual([1, 1, 4, 4]);
    const columns = tf.tensor2d([[1, 2]]);
    expect(await values(fakeQuant(x, columns, { ...signed4, axis: -1 }))).toEqual([1, 0, 3, 4]);
  });

  // bits 4, step 1: qn = -8, qp = 7
  it.each([
    { z: -8.3, strict: [0, -8], inclusive: [0, -8] },
    { z: -8, strict: [0, -8], inclusive: [1, 0] },
    { z: -7.75, strict: [1, -0.25], inclusive: [1, -0.25] },
    { z: 6.75, strict: [1, 0.25], inclusive: [1, 0.25] },
    { z: 7, strict: [0, 7], inclusive: [1, 0] },
    { z: 7.3, strict: [0, 7], inclusive: [0, 7] },
  ])('the gradients at z = $z are strict $strict, inclusive $inclusive', async ({ z, strict, inclusive }) => {
    for (const [boundary, [dx, ds]] of [['strict', strict] as const, ['inclusive', inclusive] as const]) {
      const gradients = await gradientsAt([z], { ...signed4, boundary });
      expect(gradients.dx[0]).toBe(dx);
      expect(gradients.ds).toBeCloseTo(ds!, 6);
    }
  });

  it('a negative step quantizes as its size does and carries its sign into the gradient', async () => {
    const x = tf.tensor1d([0.3, -0.7, 5]);
    const run = async (step: number) => {
      const ds = tf.grad((step) => fakeQuant(x, step, signed4))(tf.scalar(step), tf.onesLike(x));
      return { y: await values(fakeQuant(x, tf.scalar(step), signed4)), ds: (await values(ds))[0]! };
    };
    const [positive, negative] = [await run(0.25), await run(-0.25)];
    expect(negative.y).toEqual(positive.y);
    expect(negative.ds).toBeCloseTo(-positive.ds, 6);
  });

  it('a step of zero counts as 1e-8', async () => {
    const y = await values(fakeQuant(tf.tensor1d([1, 0, -1]), tf.scalar(0), signed4));
    [7e-8, 0, -8e-8].forEach((expected, i) => void expect(y[i]).toBeCloseTo(expected, 12));
  });

  // N = 4 elements share the step, qp = 7, |x|₁ = 6.5; every term is q - z = -0.25 or 0.25
  it.each([
    ['lsq', 1 / Math.sqrt(4 * 7)],
    ['features', 1 / Math.sqrt(2 * 7)],
    ['l1', 1 / Math.sqrt(6.5 * 7)],
    ['none', 1],
    [0.5, 0.5],
  ] as const)('gradientScale %s multiplies the step gradient by %f', async (gradientScale, factor) => {
    const x = tf.tensor2d([
      [1.25, 1.25],
      [1.75, 2.25],
    ]);
    const options = { ...signed4, gradientScale };
    const gradient = tf.grad((step) => fakeQuant(x, step, options))(tf.scalar(1), tf.onesLike(x));
    expect((await values(gradient))[0]).toBeCloseTo(factor * -0.5, 5);
    const halved = tf.grad((step) => fakeQuant(x, step, { ...options, stepLearningRateMultiplier: 0.5 }));
    expect((await values(halved(tf.scalar(1), tf.onesLike(x))))[0]).toBeCloseTo(factor * -0.25, 5);
  });

  it('infinities take the outermost codes, zeros stay zero, an empty tensor stays empty', async () => {
    const x = tf.tensor1d([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]);
    expect(await values(fakeQuant(x, tf.scalar(0.5), signed4))).toEqual([3.5, -4, 0]);
    expect(fakeQuant(tf.zeros([0, 3]), tf.scalar(1), signed4).shape).toEqual([0, 3]);
  });

  it('LSQ+ quantizes around its offset and gives it the gradient of what is clipped', async () => {
    const x = tf.tensor1d([-0.5, 0.1, 0.6, 9]);
    const quantize = (x: tf.Tensor, step: tf.Tensor, offset: tf.Tensor) =>
      fakeQuantWithOffset(x, step, offset, { bits: 2, signed: false, gradientScale: 'none' });
    // z = (x + 0.25) / 0.5 = -0.5, 0.7, 1.7, 18.5: codes 0, 1, 2, 3
    const y = await values(quantize(x, tf.scalar(0.5), tf.scalar(-0.25)));
    [-0.25, 0.25, 0.75, 1.25].forEach((expected, i) => void expect(y[i]).toBeCloseTo(expected, 6));
    const gradients = tf.grads((x, step, offset) => quantize(x as tf.Tensor, step as tf.Tensor, offset as tf.Tensor));
    const [dx, ds, dOffset] = gradients([x, tf.scalar(0.5), tf.scalar(-0.25)], tf.tensor1d([1, 2, 4, 8]));
    expect(await values(dx!)).toEqual([0, 2, 4, 0]);
    expect((await values(ds!))[0]).toBeCloseTo(0 + 2 * 0.3 + 4 * 0.3 + 8 * 3, 4);
    expect(await values(dOffset!)).toEqual([9]);
  });

  it('leaves no tensor behind but its result', async () => {
    const x = tf.randomNormal([4, 5]);
    const step = tf.scalar(0.1);
    const leaked = await leakedTensors(() => {
      fakeQuant(x, step, signed4).dispose();
      integerCodes(x, step, signed4).dispose();
      tf.dispose(
        tf.grads((x, s) => fakeQuant(x as tf.Tensor, s as tf.Tensor, { ...signed4, gradientScale: 'l1' }))([x, step]),
      );
      tf.dispose(
        tf.grads((x, s, o) => fakeQuantWithOffset(x as tf.Tensor, s as tf.Tensor, o as tf.Tensor, signed4))([
          x,
          step,
          step,
        ]),
      );
    });
    expect(leaked).toBe(0);
  });

  // The division of WebGPU may be off by 2.5 units in the last place: a z that close to a tie may round to its other side.
  it('gives the codes of IEEE arithmetic; on a GPU all but those within 1e-6 of a tie', async () => {
    let [flipped, elements] = [0, 0];
    for (const [bits, step] of [
      [2, 0.37],
      [3, 0.1],
      [4, 1e-6],
      [8, 0.013],
      [8, 1000],
    ] as const) {
      // Spread over the grid and beyond, and every third exactly half way between two codes.
      const x = Float32Array.from({ length: 3000 }, (_, i) => {
        const z = ((i * 0.61803398875) % 1) * 2 ** bits * 1.2 - 2 ** bits * 0.6;
        return Math.fround(Math.fround(i % 3 === 0 ? Math.floor(z) + 0.5 : z) * Math.fround(step));
      });
      const codes = await integerCodes(tf.tensor1d(x), tf.scalar(step), { bits }).data();
      const qp = 2 ** (bits - 1) - 1;
      x.forEach((value, i) => {
        const z = Math.fround(value / Math.fround(step));
        const expected = roundHalfToEven(Math.min(Math.max(z, -qp - 1), qp));
        elements++;
        if (codes[i] === expected) return;
        flipped++;
        expect(backend).toBe('webgpu');
        expect(Math.abs(codes[i]! - expected)).toBe(1);
        expect(Math.abs(z - Math.floor(z) - 0.5)).toBeLessThan(1e-6 * Math.max(1, Math.abs(z)));
      });
    }
    if (flipped > 0) console.log(`${backend}: ${flipped} of ${elements} codes differ, all at ties`);
  });
});

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
}

describe('fakeQuant refuses', () => {
  beforeAll(() => useBackend(backends[0]!));
  const x = () => tf.zeros([2, 3]);
  const one = () => tf.scalar(1);

  it.each([
    [
      'bits',
      () => fakeQuant(x(), one(), { bits: 1 }),
      RangeError,
      /fakeQuant: bits must be an integer from 2 to 16, got 1/,
    ],
    [
      'an axis beyond the rank',
      () => fakeQuant(x(), one(), { bits: 4, axis: 2 }),
      RangeError,
      /axis must be null or an integer from -2 to 1, got 2/,
    ],
    [
      'a step of the wrong shape',
      () => fakeQuant(x(), one(), { bits: 4, axis: 1 }),
      RangeError,
      /step must have shape \[1,3\] for axis 1, got \[\]/,
    ],
    [
      'many steps without an axis',
      () => fakeQuant(x(), tf.ones([1, 3]), { bits: 4 }),
      RangeError,
      /step must have shape \[\]/,
    ],
    [
      'integers',
      () => fakeQuant(tf.zeros([2], 'int32'), one(), { bits: 4 }),
      TypeError,
      /x must be float32, got int32; cast it/,
    ],
    [
      'an unknown boundary',
      () => fakeQuant(x(), one(), { bits: 4, boundary: 'open' as never }),
      RangeError,
      /boundary must be 'strict' or 'inclusive', got 'open'/,
    ],
    [
      'an unknown gradient scale',
      () => fakeQuant(x(), one(), { bits: 4, gradientScale: 'l2' as never }),
      RangeError,
      /gradientScale must be 'lsq', 'features', 'l1', 'none' or a finite number, got l2/,
    ],
    [
      'a negative step learning rate',
      () => fakeQuant(x(), one(), { bits: 4, stepLearningRateMultiplier: -1 }),
      RangeError,
      /stepLearningRateMultiplier must be a number from 0 up, got -1/,
    ],
    [
      'an offset of another shape',
      () => fakeQuantWithOffset(x(), one(), tf.ones([1]), { bits: 4 }),
      RangeError,
      /offset must have the shape of step, got \[1\] and \[\]/,
    ],
  ] as const)('%s', (_, call, kind, message) => {
    expect(call).toThrow(kind);
    expect(call).toThrow(message);
  });
});
