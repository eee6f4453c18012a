import { describe, expect, it } from 'vitest';
import { nearest } from '../../src/options/nearest';

describe('nearest', () => {
  it('is the name of the smallest edit distance: bit to bits takes one insertion', () => {
    expect(nearest('bit', ['init', 'bits', 'axis'])).toBe('bits');
    expect(nearest('Bits', ['init', 'bits'])).toBe('bits');
  });

  it('is the name that goes on where the given one stops', () => {
    expect(nearest('stepLearningRate', ['stepScale', 'stepLearningRateMultiplier'])).toBe('stepLearningRateMultiplier');
  });

  it('is none where more than a third would have to change', () => {
    expect(nearest('quality', ['bits', 'axis'])).toBeUndefined();
    expect(nearest('', ['bits'])).toBeUndefined();
    expect(nearest('ste', ['stepLearningRateMultiplier'])).toBeUndefined();
  });
});
