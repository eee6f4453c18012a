import { philoxUniforms } from '@qgen/core';
import { expect, test } from 'vitest';
import { confidenceSequence } from '../../src/search/confidence-sequence';

/** Draws of a drop: 1 with probability p, else 0. */
function decisions(p: number, alpha: number, { runs = 400, length = 1000 } = {}) {
  const uniforms = philoxUniforms(runs * length, { seed: 7, stream: 0 });
  const sides: number[] = [];
  for (let run = 0; run < runs; run++) {
    const sequence = confidenceSequence(alpha);
    let side = 0;
    for (let t = 0; t < length && side === 0; t++) side = sequence.side(uniforms[run * length + t]! < p ? 1 : 0, 0.1);
    sides.push(side);
  }
  return sides;
}

test('looked at after every draw, a mean on the target is called above or below in fewer than alpha of the runs', () => {
  const wrong = decisions(0.1, 0.1).filter((side) => side !== 0).length;
  expect(wrong / 400).toBeLessThan(0.1);
});

test('a mean of 0.3 is called above the target 0.1 and one of 0 below it, never the other way', () => {
  expect(new Set(decisions(0.3, 0.05))).toEqual(new Set([1]));
  expect(new Set(decisions(0, 0.05, { runs: 2 }))).toEqual(new Set([-1]));
});
