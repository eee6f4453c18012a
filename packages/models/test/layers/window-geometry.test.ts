import { describe, expect, it } from 'vitest';
import { relativePositionIndex, windowMask, windowOrder } from '../../src/layers/window-geometry';

describe('windowOrder', () => {
  it('goes through a map window by window', () => {
    // 0 1 | 2 3
    // 4 5 | 6 7
    expect([...windowOrder({ height: 2, width: 4, window: 2, shift: 0 })]).toEqual([0, 1, 4, 5, 2, 3, 6, 7]);
  });

  it('rolls the map up and to the left first', () => {
    //  0  1  2  3      5  6 |  7  4
    //  4  5  6  7      9 10 | 11  8
    //  8  9 10 11  →  13 14 | 15 12
    // 12 13 14 15      1  2 |  3  0
    expect([...windowOrder({ height: 4, width: 4, window: 2, shift: 1 })]).toEqual([
      ...[5, 6, 9, 10],
      ...[7, 4, 11, 8],
      ...[13, 14, 1, 2],
      ...[15, 12, 3, 0],
    ]);
  });

  it('does not roll a direction that holds one window', () => {
    // 0 1 2 3  →  1 2 | 3 0
    // 4 5 6 7     5 6 | 7 4
    expect([...windowOrder({ height: 2, width: 4, window: 2, shift: 1 })]).toEqual([1, 2, 5, 6, 3, 0, 7, 4]);
    expect([...windowOrder({ height: 2, width: 2, window: 2, shift: 1 })]).toEqual([0, 1, 2, 3]);
  });

  it.each([
    [{ height: 3, width: 4, window: 2, shift: 0 }, 'multiples of the window, got a map of 3×4 and windows of 2×2'],
    [{ height: 4, width: 4, window: 2, shift: 2 }, 'shift must be an integer from 0 to 1, got 2'],
    [{ height: 4, width: 4, window: 0, shift: 0 }, 'must be positive integers, got 4, 4, 0'],
  ])('refuses %o', (geometry, message) => {
    expect(() => windowOrder(geometry)).toThrow(RangeError);
    expect(() => windowOrder(geometry)).toThrow(message);
  });
});

describe('windowMask', () => {
  it('separates what was no neighbour before the map was rolled', () => {
    // Rolled by one, the last column (and the last row) came from the other side: the windows of a 4×4 map hold
    // one region, two side by side, two above each other, and four.
    const mask = windowMask({ height: 4, width: 4, window: 2, shift: 1 })!;
    const ofWindow = (window: number) =>
      Array.from({ length: 4 }, (_, i) =>
        Array.from({ length: 4 }, (_, j) => (mask[(window * 4 + i) * 4 + j] === 0 ? '0' : 'x')).join(''),
      );
    expect(ofWindow(0)).toEqual(['0000', '0000', '0000', '0000']);
    expect(ofWindow(1)).toEqual(['0x0x', 'x0x0', '0x0x', 'x0x0']);
    expect(ofWindow(2)).toEqual(['00xx', '00xx', 'xx00', 'xx00']);
    expect(ofWindow(3)).toEqual(['0xxx', 'x0xx', 'xx0x', 'xxx0']);
    expect(new Set(mask)).toEqual(new Set([0, -100]));
  });

  it('is none where nothing is rolled', () => {
    expect(windowMask({ height: 4, width: 4, window: 2, shift: 0 })).toBe(null);
    expect(windowMask({ height: 2, width: 2, window: 2, shift: 1 })).toBe(null);
  });
});

describe('relativePositionIndex', () => {
  it('numbers the differences of places row by row', () => {
    // In a window of 2×2 differences are -1, 0, 1 in both directions: (dy + 1) 3 + dx + 1.
    expect([...relativePositionIndex(2)]).toEqual([
      ...[4, 3, 1, 0], // of (0, 0) to (0, 0), (0, 1), (1, 0), (1, 1)
      ...[5, 4, 2, 1],
      ...[7, 6, 4, 3],
      ...[8, 7, 5, 4],
    ]);
  });

  it('of a window of one place is the only row', () => {
    expect([...relativePositionIndex(1)]).toEqual([0]);
  });
});
