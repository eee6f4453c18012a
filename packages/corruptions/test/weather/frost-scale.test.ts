import { describe, expect, it } from 'vitest';
import { roundHalfEven } from '../../src/filters/round-half-even';
import { scaleCubic, scaleLinear } from '../../src/weather/frost/frost-scale';

/** 11 × 14 × 3 levels by a formula, so that the numbers below can be made again: they are OpenCV's (cv2.resize). */
const image = {
  height: 11,
  width: 14,
  levels: Uint8Array.from({ length: 11 * 14 * 3 }, (_, at) => {
    const [y, x, c] = [Math.floor(at / 42), Math.floor(at / 3) % 14, at % 3];
    return (y * 37 + x * 59 + c * 83 + ((y * x * (c + 3)) % 97) * 2) % 256;
  }),
};

describe('scaleLinear', () => {
  it('equals OpenCV at 0.2, where every level is one of the image', () => {
    const scaled = scaleLinear(image, 0.2);
    expect([scaled.height, scaled.width]).toEqual([2, 3]);
    // biome-ignore format: rows
    expect([...scaled.levels]).toEqual([
      216, 51, 142, 59, 170, 25, 158, 33, 226,
      205, 60, 171, 4, 247, 172, 59, 116, 173,
    ]);
  });

  it('equals OpenCV at 0.3, where every level is a mixture of four', () => {
    const scaled = scaleLinear(image, 0.3);
    expect([scaled.height, scaled.width]).toEqual([3, 4]);
    // biome-ignore format: rows
    expect([...scaled.levels]).toEqual([
      120, 199, 35, 84, 156, 122, 84, 149, 208, 190, 114, 162,
      117, 104, 155, 106, 117, 143, 124, 181, 104, 143, 102, 172,
      157, 216, 104, 158, 108, 52, 158, 177, 170, 97, 125, 181,
    ]);
  });

  it('equals OpenCV when it enlarges', () => {
    const scaled = scaleLinear(image, 1.37);
    expect([scaled.height, scaled.width]).toEqual([15, 19]);
    const red = Array.from({ length: 15 }, (_, y) =>
      Array.from({ length: 19 }, (_, x) => scaled.levels[(y * 19 + x) * 3]).reduce((sum, value) => sum + value),
    );
    expect(red).toEqual([2395, 2446, 2493, 2509, 2507, 2405, 2318, 2343, 2563, 2432, 2240, 2674, 2531, 2388, 2356]);
  });
});

describe('scaleCubic', () => {
  it('is within one level of OpenCV', () => {
    const scaled = scaleCubic(image, 13, 16);
    // biome-ignore format: rows
    const expected = [
      0, 79, 161, 42, 125, 243, 95, 206, 84, 146, 84, 36, 228, 1, 109, 189, 80, 180, 25, 134, 184, 100, 196, 0,
      147, 254, 56, 233, 68, 105, 73, 61, 167, 25, 136, 252, 99, 217, 160, 156, 169, 34, 219, 7, 127, 255, 77, 172,
      23, 106, 197, 73, 154, 76, 127, 255, 49, 225, 140, 96, 178, 44, 193, 56, 153, 187, 95, 181, 47, 156, 33, 80,
      240, 97, 160, 100, 104, 239, 61, 196, 111, 127, 110, 104, 221, 46, 183, 190, 119, 117, 63, 154, 5, 134, 202, 101,
    ];
    expected.forEach((level, i) => {
      expect(Math.abs(scaled.levels[i] - level)).toBeLessThanOrEqual(1);
    });
  });
});

describe('roundHalfEven', () => {
  it('rounds ties to the even integer', () => {
    expect([0.5, 1.5, 2.5, 94.5, 1.4, 1.6].map(roundHalfEven)).toEqual([0, 2, 2, 94, 1, 2]);
  });
});
