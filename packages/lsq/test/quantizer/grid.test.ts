import { quantizationRange } from '@qgen/lsq';
import { expect, it } from 'vitest';

it('a signed grid has one code more below zero than above', () => {
  expect(quantizationRange({ bits: 2 })).toEqual({ qn: -2, qp: 1 });
  expect(quantizationRange({ bits: 4 })).toEqual({ qn: -8, qp: 7 });
  expect(quantizationRange({ bits: 8 })).toEqual({ qn: -128, qp: 127 });
});

it('a narrow grid is symmetric, ternary at 2 bits', () => {
  expect(quantizationRange({ bits: 2, narrow: true })).toEqual({ qn: -1, qp: 1 });
  expect(quantizationRange({ bits: 8, narrow: true })).toEqual({ qn: -127, qp: 127 });
});

it('an unsigned grid starts at zero', () => {
  expect(quantizationRange({ bits: 3, signed: false })).toEqual({ qn: 0, qp: 7 });
});

it('2 and 16 bits are the ends of what is accepted', () => {
  expect(quantizationRange({ bits: 2, signed: false })).toEqual({ qn: 0, qp: 3 });
  expect(quantizationRange({ bits: 16 })).toEqual({ qn: -32768, qp: 32767 });
  expect(quantizationRange({ bits: 16, signed: false })).toEqual({ qn: 0, qp: 65535 });
});

it.each([0, 1, 17, 2.5, Number.NaN, Number.POSITIVE_INFINITY, -4])('bits %s are refused', (bits) => {
  expect(() => quantizationRange({ bits })).toThrow(/quantizationRange: bits must be an integer from 2 to 16, got/);
});

it('one bit is refused with what to do instead', () => {
  expect(() => quantizationRange({ bits: 1 })).toThrow(/narrow: true for ternary weights/);
});

it('narrow and unsigned contradict each other', () => {
  expect(() => quantizationRange({ bits: 4, signed: false, narrow: true })).toThrow(/narrow needs a signed grid/);
});
