import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { philoxBits, philoxBlock, philoxNormals, philoxUniforms } from '../../src';

const hex = (words: Int32Array) => Array.from(words, (word) => (word >>> 0).toString(16).padStart(8, '0')).join(' ');

describe('the block function', () => {
  // Salmon et al.'s known answers, file kat_vectors of Random123.
  it.each([
    ['00000000 00000000 00000000 00000000', '00000000 00000000', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ])('takes the counter %s under the key %s to %s', (counter, key, answer) => {
    const [c0, c1, c2, c3, k0, k1] = `${counter} ${key}`.split(' ').map((word) => Number.parseInt(word, 16)) as [
      ...[number, number, number, number],
      ...[number, number],
    ];
    const out = new Int32Array(4);
    philoxBlock(c0, c1, c2, c3, k0, k1, out, 0);
    expect(hex(out)).toBe(answer);
  });
});

/** A block by the paper's formula in big integers, apart from the package's arithmetic in halves. */
function bigBlock(counter: readonly bigint[], key: readonly bigint[]): number[] {
  const mask = 0xffffffffn;
  let c = [...counter];
  let k = [...key];
  for (let round = 0; round < 10; round++) {
    const [p, q] = [0xd2511f53n * c[0], 0xcd9e8d57n * c[2]];
    c = [(q >> 32n) ^ c[1] ^ k[0], q & mask, (p >> 32n) ^ c[3] ^ k[1], p & mask];
    k = [(k[0] + 0x9e3779b9n) & mask, (k[1] + 0xbb67ae85n) & mask];
  }
  return c.map(Number);
}

describe('the documented formulas', () => {
  it('give the bits, the uniforms and the normals', () => {
    for (let seed = 0; seed < 50; seed++) {
      const address = { seed: seed * 1e9, stream: seed, offset: 4 * seed };
      const key = [BigInt(address.seed) & 0xffffffffn, BigInt(address.seed) >> 32n];
      const words = bigBlock([BigInt(seed), 0n, BigInt(seed), 0n], key);
      expect(Array.from(philoxBits(4, address), (word) => word >>> 0)).toEqual(words);
      expect(Array.from(philoxUniforms(4, address))).toEqual(words.map((word) => Math.floor(word / 2 ** 8) / 2 ** 24));
      const normals = philoxNormals(4, address);
      for (const j of [0, 2]) {
        const [a, b] = [words[j], words[j + 1]];
        const r = Math.sqrt(-2 * Math.log(Math.fround((a + 0.5) / 2 ** 32)));
        const v = (b % 2 ** 24) / 2 ** 24;
        expect(normals[j]).toBeCloseTo((b & (2 ** 31) ? -1 : 1) * r * Math.cos((Math.PI * v) / 2), 6);
        expect(normals[j + 1]).toBeCloseTo((b & (2 ** 30) ? -1 : 1) * r * Math.sin((Math.PI * v) / 2), 6);
      }
    }
  });
});

describe('the address', () => {
  it('is the counter: block floor(offset / 4) low word first, then the stream; the key is the seed', () => {
    const out = new Int32Array(4);
    philoxBlock(7, 3, 11, 5, 13, 2, out, 0);
    expect(philoxBits(4, { seed: 2 * 2 ** 32 + 13, stream: 5 * 2 ** 32 + 11, offset: 4 * (3 * 2 ** 32 + 7) })).toEqual(
      out,
    );
  });

  it('lets any slice be drawn alone', () => {
    for (const draw of [philoxBits, philoxUniforms, philoxNormals])
      fc.assert(
        fc.property(
          fc.record({ seed: fc.maxSafeNat(), stream: fc.maxSafeNat(), offset: fc.nat({ max: 2 ** 52 }) }),
          fc.nat({ max: 40 }),
          fc.nat({ max: 40 }),
          (address, start, length) => {
            const whole = draw(start + length, address);
            const slice = draw(length, { ...address, offset: address.offset + start });
            expect(slice).toEqual(whole.slice(start));
          },
        ),
      );
  });

  it('must be made of integers from 0 to 2^53 - 1', () => {
    expect(() => philoxBits(1, { seed: -1 })).toThrow('philoxBits: seed must be an integer from 0 to 2^53 - 1, got -1');
    expect(() => philoxUniforms(1, { seed: 0.5 })).toThrow(RangeError);
    expect(() => philoxNormals(1, { seed: 1, stream: Number.NaN })).toThrow('philoxNormals: stream');
    expect(() => philoxBits(2, { seed: 1, offset: 2 ** 53 - 2 })).toThrow('philoxBits: offset + number of elements');
    expect(() => philoxBits(-1, { seed: 1 })).toThrow('philoxBits: n must be');
  });
});

/** The largest distance between the empirical distribution function and `cdf`, times sqrt(n). */
function kolmogorovSmirnov(values: Float32Array, cdf: (x: number) => number): number {
  const sorted = values.slice().sort();
  const n = sorted.length;
  let distance = 0;
  sorted.forEach((value, i) => {
    const p = cdf(value);
    distance = Math.max(distance, p - i / n, (i + 1) / n - p);
  });
  return distance * Math.sqrt(n);
}

/** The normal distribution function by Simpson's rule, to 1e-10. */
function normalCdf(x: number): number {
  const density = (t: number) => Math.exp((-t * t) / 2) / Math.sqrt(2 * Math.PI);
  const panels = 64;
  const h = x / panels / 2;
  let sum = density(0) + density(x);
  for (let i = 1; i < 2 * panels; i++) sum += (i % 2 ? 4 : 2) * density(i * h);
  return 0.5 + (sum * h) / 3;
}

const moment = (values: Float32Array, power: number) =>
  values.reduce((sum, value) => sum + value ** power, 0) / values.length;

describe('the numbers', () => {
  const n = 200_000;
  // A distance beyond 1.95 / sqrt(n) has probability 0.001.
  it('are uniform on [0, 1), by Kolmogorov and Smirnov and by moments', () => {
    const values = philoxUniforms(n, { seed: 20 });
    expect(kolmogorovSmirnov(values, (x) => x)).toBeLessThan(1.95);
    expect(Math.max(...values.subarray(0, 1e5))).toBeLessThan(1);
    expect(Math.min(...values.subarray(0, 1e5))).toBeGreaterThanOrEqual(0);
    expect(Math.abs(moment(values, 1) - 1 / 2)).toBeLessThan(4 * Math.sqrt(1 / 12 / n));
    expect(Math.abs(moment(values, 2) - 1 / 3)).toBeLessThan(4 * Math.sqrt(4 / 45 / n));
  });

  it('are standard normal, by Kolmogorov and Smirnov and by moments 0, 1, 0, 3', () => {
    const values = philoxNormals(n, { seed: 21 });
    expect(kolmogorovSmirnov(values, normalCdf)).toBeLessThan(1.95);
    // Variances of the powers 1 to 4: 1, 2, 15, 96.
    [0, 1, 0, 3].forEach((expected, i) => {
      expect(Math.abs(moment(values, i + 1) - expected)).toBeLessThan(4 * Math.sqrt([1, 2, 15, 96][i] / n));
    }, 60_000);
    expect(values.filter((value) => Math.abs(value) > 3).length / n).toBeCloseTo(0.0027, 3);
  });

  it('have a normal partner that is independent', () => {
    const values = philoxNormals(n, { seed: 22 });
    let product = 0;
    let squares = 0;
    for (let i = 0; i < n; i += 2) {
      product += values[i] * values[i + 1];
      squares += (values[i] ** 2 - 1) * (values[i + 1] ** 2 - 1);
    }
    expect(Math.abs(product)).toBeLessThan(4 * Math.sqrt(n / 2));
    expect(Math.abs(squares)).toBeLessThan(4 * 2 * Math.sqrt(n / 2));
  });

  it('are uncorrelated between neighbouring seeds, streams and lags', () => {
    const length = 20_000;
    const draws = [0, 1, 2, 3].flatMap((seed) => [0, 1, 2, 3].map((stream) => philoxNormals(length, { seed, stream })));
    draws.push(philoxNormals(length, { seed: 0, offset: 1 }), philoxNormals(length, { seed: 0, offset: 4 }));
    draws.push(philoxNormals(length, { seed: 2 ** 32 }), philoxNormals(length, { seed: 0, stream: 2 ** 32 }));
    let largest = 0;
    for (let a = 0; a < draws.length; a++)
      for (let b = 0; b < a; b++) {
        let sum = 0;
        for (let i = 0; i < length; i++) sum += draws[a][i] * draws[b][i];
        largest = Math.max(largest, Math.abs(sum) / Math.sqrt(length));
      }
    // The largest of 190 standard normals; beyond 4.5 it has probability 0.0013.
    expect(largest).toBeLessThan(4.5);
    expect(largest).toBeGreaterThan(1);
  });

  it('are pinned down, so that no change of the code changes anyone’s results', () => {
    expect(hex(philoxBits(4, { seed: 42, stream: 7, offset: 1001 }))).toBe('528bdcfa 2f135adc 03e5825b 05f9e21c');
    const pinned = [0.06499623, -0.98726245, 2.0976854];
    for (const [i, value] of philoxNormals(3, { seed: 42 }).entries()) expect(value).toBeCloseTo(pinned[i], 6);
  });
});
