import fc from 'fast-check';
import { expect, it } from 'vitest';
import { exampleOrder } from '../../src/search/example-order';

it('deals every number once before any comes twice, however the deals are cut', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 12 }),
      fc.nat(1000),
      (size, counts, seed) => {
        const deal = exampleOrder(size, seed);
        const dealt = counts.flatMap((count) => [...deal(count)]);
        for (let round = 0; round * size < dealt.length; round++) {
          const numbers = dealt.slice(round * size, (round + 1) * size);
          expect(new Set(numbers).size).toBe(numbers.length);
          for (const number of numbers) expect(number >= 0 && number < size).toBe(true);
        }
        const again = exampleOrder(size, seed);
        expect(counts.flatMap((count) => [...again(count)])).toEqual(dealt);
      },
    ),
  );
});

it('every number is as likely first: of 6000 deals of 6, each comes 1000 +- 4 sd times', () => {
  const counts = new Array(6).fill(0);
  for (let seed = 0; seed < 6000; seed++) counts[exampleOrder(6, seed)(1)[0]!]++;
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(4 * Math.sqrt(6000 * (1 / 6) * (5 / 6)));
});

it('orders of one seed are independent: of 2000 pairs of orders of 4, each of the 16 pairs of firsts comes 125 +- 4 sd times', () => {
  const counts = new Array(16).fill(0);
  for (let order = 0; order < 2000; order++)
    counts[4 * exampleOrder(4, 1, 2 * order)(1)[0]! + exampleOrder(4, 1, 2 * order + 1)(1)[0]!]++;
  for (const count of counts) expect(Math.abs(count - 125)).toBeLessThan(4 * Math.sqrt(2000 * (1 / 16) * (15 / 16)));
});
