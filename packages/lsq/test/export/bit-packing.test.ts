import fc from 'fast-check';
import { expect, it } from 'vitest';
import { packCodes, unpackCodes } from '../../src/export/bit-packing';

it('2-bit codes lie four to a byte, the first in the lowest bits', () => {
  // raised by 2: 0, 1, 2, 3, 3
  expect([...packCodes([-2, -1, 0, 1, 1], 2, -2)]).toEqual([0b11100100, 0b00000011]);
});

it('4-bit codes lie two to a byte', () => {
  expect([...packCodes([1, 2, 15], 4, 0)]).toEqual([0x21, 0x0f]);
});

it('3-bit codes run on over the bytes: eight codes in three', () => {
  // 001 010 011 100 101 110 111 000 from the lowest bit up
  expect([...packCodes([1, 2, 3, 4, 5, 6, 7, 0], 3, 0)]).toEqual([0b11010001, 0b01011000, 0b00011111]);
});

it('n codes of b bits take ceil(n b / 8) bytes and come back as they were', () => {
  const codes = fc.record({ bits: fc.integer({ min: 2, max: 16 }), signed: fc.boolean() }).chain(({ bits, signed }) => {
    const qn = signed ? -(2 ** (bits - 1)) : 0;
    return fc.record({
      bits: fc.constant(bits),
      qn: fc.constant(qn),
      codes: fc.array(fc.integer({ min: qn, max: qn + 2 ** bits - 1 }), { maxLength: 70 }),
    });
  });
  fc.assert(
    fc.property(codes, ({ bits, qn, codes }) => {
      const bytes = packCodes(codes, bits, qn);
      expect(bytes).toHaveLength(Math.ceil((codes.length * bits) / 8));
      expect([...unpackCodes(bytes, codes.length, bits, qn)]).toEqual(codes);
    }),
  );
});

it.each([-3, 2, 0.5, Number.NaN])('code %s does not fit into 2 signed bits', (code) => {
  expect(() => packCodes([0, code], 2, -2)).toThrow(/code .* at 1 is not an integer from -2 to 1/);
});
