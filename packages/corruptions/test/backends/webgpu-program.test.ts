import { expect, it } from 'vitest';
import { joined, joinedIntegers } from '../../src/backends/webgpu-program';

it('arrays one after the other, as float32 or as whole numbers', () => {
  expect(joined([[1, 2.5], Uint8Array.of(3)])).toEqual(Float32Array.of(1, 2.5, 3));
  expect(joinedIntegers([[1, 2], Int8Array.of(-3), []])).toEqual(Int32Array.of(1, 2, -3));
});

it('whole numbers beyond 2^24, which float32 does not hold: places in an image of more than 16.7 million pixels', () => {
  expect(joinedIntegers([[2 ** 24 + 1], [2 ** 31 - 1]])).toEqual(Int32Array.of(16_777_217, 2_147_483_647));
});
