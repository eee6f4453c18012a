import { describe, expect, it } from 'vitest';
import { convolutionSpectralNorm } from '../../src/spectrum/convolution-spectral-norm';
import { spectralNorm as spectralNormSteps } from '../../src/spectrum/spectral-norm';

const finish = (norm: Generator<unknown, number, void>): number => {
  let step = norm.next();
  while (!step.done) step = norm.next();
  return step.value;
};
const spectralNorm = (...given: Parameters<typeof spectralNormSteps>) => finish(spectralNormSteps(...given));
const wave = (n: number) => Float64Array.from({ length: n }, (_, i) => Math.sin(1.7 * i) + 0.4 * Math.cos(i * i));

describe('spectralNorm', () => {
  it('is the largest singular value: [[3, 0], [4, 5]] has sqrt 45 and sqrt 5', () => {
    expect(spectralNorm([3, 0, 4, 5], [2, 2])).toBeCloseTo(Math.sqrt(45), 12);
  });

  it('is the length of a single row or column', () => {
    expect(spectralNorm([3, 4], [1, 2])).toBeCloseTo(5, 14);
    expect(spectralNorm([3, 4], [2, 1])).toBeCloseTo(5, 14);
  });

  it('is the same for the transpose', () => {
    const matrix = wave(35);
    const transposed = matrix.map((_, k) => matrix[(k % 5) * 7 + Math.floor(k / 5)]);
    expect(spectralNorm(transposed, [7, 5])).toBeCloseTo(spectralNorm(matrix, [5, 7]), 12);
  });

  it('is 0 for nothing and for zeros, NaN for NaN', () => {
    expect(spectralNorm([], [0, 0])).toBe(0);
    expect(spectralNorm([0, 0, 0, 0], [2, 2])).toBe(0);
    expect(spectralNorm([1, Number.NaN], [1, 2])).toBeNaN();
  });
});

describe('convolutionSpectralNorm', () => {
  it('is the spectral norm of the matrix of the circular convolution, odd, even and oblong images', () => {
    for (const [height, width] of [
      [4, 4],
      [5, 3],
      [4, 5],
    ] as const) {
      const shape = [3, 2, 2, 3] as const;
      const kernel = wave(36);
      const size = height * width;
      const matrix = new Float64Array(size * 2 * size * 3);
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++)
          for (let a = 0; a < 3; a++)
            for (let b = 0; b < 2; b++)
              for (let i = 0; i < 2; i++)
                for (let o = 0; o < 3; o++) {
                  const from = ((((y + a) % height) * width + ((x + b) % width)) * 2 + i) * size * 3;
                  matrix[from + (y * width + x) * 3 + o] += kernel[((a * 2 + b) * 2 + i) * 3 + o];
                }
      const norm = finish(convolutionSpectralNorm(kernel, shape, [height, width]));
      expect(norm).toBeCloseTo(spectralNorm(matrix, [size * 2, size * 3]), 9);
    }
  });

  it('is the spectral norm of the kernel for a 1 x 1 convolution', () => {
    const kernel = wave(12);
    const norm = finish(convolutionSpectralNorm(kernel, [1, 1, 3, 4], [5, 5]));
    expect(norm).toBeCloseTo(spectralNorm(kernel, [3, 4]), 12);
  });
});
