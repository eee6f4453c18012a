import * as Plot from '@observablehq/plot';
import { byName, leftOut, type PictureOptions, picture, requirePictureOptions } from '@qgen/core/plot';
import type { HessianSpectralDensity } from '../curvature/hessian-spectral-density';

/** Points of the smoothed curve, and the width of the Gaussian as a share of the range (Ghorbani et al. 2019 smooth alike). */
const POINTS = 400;
const WIDTH = 1 / 100;
/** Densities below this are drawn at it: beyond is the tail of the Gaussian, not of the spectrum. */
const FLOOR = 1e-6;

/**
 * The density of the eigenvalues of the Hessian as an SVG, on a logarithmic scale and smoothed with a Gaussian of a
 * hundredth of the range: the bulk is near 0, and eigenvalues apart from it are peaks. Narrower is flatter.
 *
 * @param densities one result of `hessianSpectralDensity`, or several by name
 * @throws TypeError for something else, RangeError for an unknown option or a size that is not above 0
 */
export function plotSpectralDensity(
  densities: HessianSpectralDensity | Readonly<Record<string, HessianSpectralDensity>>,
  options: PictureOptions = {},
): string {
  const caller = 'plotSpectralDensity';
  requirePictureOptions(caller, options);
  const all = byName(
    caller,
    'a result of hessianSpectralDensity',
    densities,
    (value) => 'values' in value && 'weights' in value && 'dimension' in value,
  );
  const nodes = all.flatMap(([name, { values, weights }]) =>
    values.map((value, k) => ({ name, value, weight: weights[k]! })),
  );
  const seen = nodes.filter(({ value, weight }) => Number.isFinite(value) && Number.isFinite(weight));
  const low = seen.reduce((least, { value }) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const high = seen.reduce((most, { value }) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  // A spectrum of one value alone, that of a loss without curvature, is a peak of some width.
  const range = high - low || Math.abs(high) || 1;
  const width = WIDTH * range;
  const curve = all.flatMap(([name]) => {
    const own = seen.filter((node) => node.name === name);
    return Array.from({ length: POINTS }, (_, i) => {
      const at = low - 0.05 * range + (1.1 * range * i) / (POINTS - 1);
      const density = own.reduce((sum, { value, weight }) => sum + weight * gaussian((at - value) / width), 0) / width;
      return { name, at, density: Math.max(density, FLOOR / range) };
    });
  });
  return picture({
    ...{ title: `Spectral density: ${all[0]![1].quantity}`, width: 720, height: 320, ...options },
    names: all.map(([name]) => name),
    nothing: seen.length > 0 ? undefined : 'No eigenvalue is finite.',
    plot: {
      x: { label: 'eigenvalue' },
      y: { type: 'log', label: 'density', grid: true, tickFormat: '~e', ticks: 6 },
      marks: [Plot.lineY(curve, { x: 'at', y: 'density', stroke: 'name' })],
    },
    notes: leftOut(nodes.length - seen.length, 'value'),
  });
}

const gaussian = (z: number): number => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
