import { dequantizeModel, quantizedWeights } from '@qgen/lsq';
import {
  MEASURE_IDS,
  type MeasureId,
  measureFlatness,
  measuresFromScales,
  type RandomAccessData,
  type Snapshot,
  snapshot,
} from '@qgen/measures';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Flatness, MeasuredValue, Scale } from '../folder/result';
import type { Measuring } from '../plan/measuring';

interface FlatnessRequest {
  readonly view: 'dequantized' | 'latent';
  readonly initial: Snapshot;
  readonly measuring: Measuring;
  readonly onProgress: (search: string) => void;
}

/** σ and σ′ with the PAC-Bayes measures that rest on them. */
export function sigmaOf(model: LayersModel, data: RandomAccessData, request: FlatnessRequest): Promise<Flatness> {
  return flatnessOf(model, data, 'pacBayes', request);
}

/** Adds α and α′ with the measures of sharpness to those of σ. */
export async function withAlpha(
  sigma: Flatness | null,
  model: LayersModel,
  data: RandomAccessData,
  request: FlatnessRequest,
): Promise<Flatness> {
  const alpha = await flatnessOf(model, data, 'sharpness', request);
  if (!sigma) return alpha;
  return {
    examples: { ...sigma.examples, alpha: alpha.examples.alpha },
    scales: { ...sigma.scales, ...alpha.scales },
    measures: { ...sigma.measures, ...alpha.measures },
    consistent: { ...sigma.consistent, ...alpha.consistent },
  };
}

async function flatnessOf(
  model: LayersModel,
  data: RandomAccessData,
  family: 'pacBayes' | 'sharpness',
  { view, initial, measuring, onProgress }: FlatnessRequest,
): Promise<Flatness> {
  const { sigmaTolerance, sigmaBudget, alphaTolerance, alphaSteps, seed } = measuring;
  const report = await measureFlatness(model, data, {
    ...{ view, initial, seed, batchSize: 250, measures: MEASURE_IDS.filter((id) => id.startsWith(family)) },
    sigma: { relativeTolerance: sigmaTolerance, maxExamples: sigmaBudget },
    alpha: { relativeTolerance: alphaTolerance, steps: alphaSteps, bracketSteps: Math.ceil(alphaSteps / 4) },
    onProgress: ({ search }) => onProgress(search),
  });
  const scales = Object.entries(report.searches).flatMap(([name, search]): [string, Scale][] => {
    if (!search) return [];
    const interval = 'bracket' in search ? search.bracket : search.ci95;
    return [[name, { value: search.value, interval, status: search.status }]];
  });
  const { m } = report.setting;
  const found = Object.fromEntries(scales.map(([name, { value }]) => [name, value]));
  const consistent = view === 'latent' ? {} : await consistentMeasures(model, initial, m, found);
  const ids = Object.keys(report.measures) as MeasureId[];
  return {
    examples: family === 'pacBayes' ? { sigma: m, alpha: null } : { sigma: m, alpha: m },
    scales: Object.fromEntries(scales),
    measures: valuesOf(ids, report.measures),
    consistent: valuesOf(ids, consistent),
  };
}

type Measures = Readonly<Partial<Record<MeasureId, MeasuredValue>>>;

/** The same scales in the reading that is consistent with the noise that is injected. */
async function consistentMeasures(
  model: LayersModel,
  initial: Snapshot,
  m: number,
  scales: Readonly<Record<string, number | null>>,
): Promise<Measures> {
  const float = quantizedWeights(model).length > 0 ? await dequantizeModel(model) : model;
  try {
    return measuresFromScales(kernelsOf(await snapshot(float)), kernelsOf(initial), m, scales, {
      dialect: 'consistent',
    });
  } finally {
    if (float !== model) float.dispose();
  }
}

/** All kernels one after another, batch normalization folded. */
function kernelsOf({ folded }: Snapshot): Float32Array {
  const kernels = folded.filter(({ role }) => role === 'kernel').map(({ values }) => values);
  const all = new Float32Array(kernels.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const values of kernels) {
    all.set(values, offset);
    offset += values.length;
  }
  return all;
}

function valuesOf(ids: readonly MeasureId[], measures: Measures): Measures {
  return Object.fromEntries(
    ids.flatMap((id) => {
      const measure = measures[id];
      return measure ? [[id, { mu: measure.mu, normalized: measure.normalized }]] : [];
    }),
  );
}
