import * as Plot from '@observablehq/plot';
import { byName, type PictureOptions, picture, requirePictureOptions } from '@qgen/core/plot';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { quantizedWeights } from '../model/quantized-weights';

/**
 * The learned step sizes of a model's kernels as an SVG, layer by layer on a logarithmic scale: the width of a bin. A kernel
 * with a step for each channel has the range of its steps as a bar, and a dot at their median. A step that training drove
 * through zero is drawn at its absolute value and named below; one that is 0 or not finite is left out and counted.
 *
 * @param models one quantized model, or several by name
 * @throws TypeError for something else, RangeError for an unknown option or a size that is not above 0
 */
export async function plotStepSizes(
  models: LayersModel | Readonly<Record<string, LayersModel>>,
  options: PictureOptions = {},
): Promise<string> {
  const caller = 'plotStepSizes';
  requirePictureOptions(caller, options);
  const isModel = (value: object) => 'predict' in value && 'layers' in value;
  const all = byName(caller, 'a quantized model', models, isModel);
  const kernels = await Promise.all(
    all.flatMap(([name, model]) =>
      quantizedWeights(model).map(async (weight) => ({
        name,
        layer: weight.name,
        steps: Array.from((await weight.step.data()) as Float32Array),
      })),
    ),
  );
  const drawn = kernels.flatMap(({ name, layer, steps }) => {
    const sizes = steps.map(Math.abs).filter((step) => step > 0 && Number.isFinite(step));
    if (sizes.length === 0) return [];
    sizes.sort((a, b) => a - b);
    const median = Math.sqrt(sizes[(sizes.length - 1) >> 1]! * sizes[sizes.length >> 1]!);
    return [{ name, layer, least: sizes[0]!, median, most: sizes.at(-1)! }];
  });
  const everyStep = kernels.flatMap(({ steps }) => steps);
  const lost = everyStep.filter((step) => step === 0 || !Number.isFinite(step)).length;
  const crossed = [...new Set(kernels.flatMap(({ layer, steps }) => (steps.some((step) => step < 0) ? [layer] : [])))];
  const layers = [...new Set(kernels.map(({ layer }) => layer))];
  const nothing = kernels.length === 0 ? 'The model has no quantized kernels.' : 'No step size is above 0 and finite.';
  return picture({
    ...{ title: 'Step sizes', width: Math.max(480, 120 + 40 * layers.length), height: 360, ...options },
    names: all.map(([name]) => name),
    nothing: drawn.length > 0 ? undefined : nothing,
    plot: {
      marginBottom: 130,
      x: { type: 'point', domain: layers, label: null, tickRotate: -45 },
      y: { type: 'log', label: 'step size', tickFormat: '~g', ticks: 6, grid: true },
      marks: [
        Plot.ruleX(drawn, { x: 'layer', y1: 'least', y2: 'most', stroke: 'name', strokeWidth: 3, strokeOpacity: 0.4 }),
        Plot.line(drawn, { x: 'layer', y: 'median', stroke: 'name', z: 'name' }),
        Plot.dot(drawn, { x: 'layer', y: 'median', fill: 'name', r: 4 }),
      ],
    },
    notes: [
      ...(crossed.length > 0 ? [`Crossed zero, drawn at the absolute value: ${crossed.join(', ')}.`] : []),
      ...(lost > 0 ? [`${lost} step${lost === 1 ? ' is' : 's are'} 0 or not finite and left out.`] : []),
    ],
  });
}
