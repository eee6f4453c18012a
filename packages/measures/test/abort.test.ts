import {
  averageSharpness,
  findAlpha,
  findSigma,
  generalizationGap,
  hessianEigenvalues,
  hessianSpectralDensity,
  hessianTrace,
  lossLandscape,
  measureFlatness,
  normMeasures,
  samSharpness,
  weightNorms,
} from '@qgen/measures';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../test/backends';
import { smallData, smallNet, weightBytes } from './interruption';

beforeAll(() => useBackend('cpu'));

const reason = new Error('enough');
const signal = AbortSignal.abort(reason);
type Verb = (model: LayersModel) => Promise<unknown>;

describe.each<[string, Verb]>([
  ['averageSharpness', (model) => averageSharpness(model, smallData, { signal })],
  ['generalizationGap', (model) => generalizationGap(model, smallData, smallData, { signal })],
  ['hessianEigenvalues', (model) => hessianEigenvalues(model, smallData, { signal })],
  ['hessianSpectralDensity', (model) => hessianSpectralDensity(model, smallData, { signal })],
  ['hessianTrace', (model) => hessianTrace(model, smallData, { signal })],
  ['lossLandscape', (model) => lossLandscape(model, smallData, { signal })],
  ['normMeasures', (model) => normMeasures(model, smallData, { signal })],
  ['samSharpness', (model) => samSharpness(model, smallData, { signal })],
  ['weightNorms', (model) => weightNorms(model, { signal })],
])('%s, aborted', (_, verb) => {
  it('rejects with the reason of the signal and leaves the weights as they were', async () => {
    const model = smallNet();
    const before = weightBytes(model);
    await expect(verb(model)).rejects.toBe(reason);
    expect(weightBytes(model)).toBe(before);
    model.dispose();
  });
});

it('searches, aborted, resolve with what they know', async () => {
  const model = smallNet();
  expect(await findSigma(model, smallData, { signal })).toMatchObject({ status: 'aborted', value: null });
  expect(await findAlpha(model, smallData, { signal })).toMatchObject({ status: 'aborted', value: null });
  const { measures, searches } = await measureFlatness(model, smallData, { signal });
  for (const search of Object.values(searches)) expect(search).toMatchObject({ status: 'aborted', value: null });
  for (const measure of Object.values(measures)) expect(measure).toMatchObject({ status: 'aborted', mu: null });
  model.dispose();
});
