import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { goldenBytes, goldenJson, goldenJsons } from '../../../test/goldens';
import type { Dialect } from '../src/formulas/measures-from-scales';
import { quantizeConvNet } from './quantized-net';

interface LayerSpec {
  readonly type: 'dense' | 'conv2d' | 'batchNorm' | 'activation' | 'flatten' | 'zeroPad' | 'gap';
  readonly name?: string;
  readonly units?: number;
  readonly filters?: number;
  readonly kernel?: number;
  readonly stride?: number;
  readonly padding?: 'same' | 'valid';
  readonly pad?: number;
  readonly epsilon?: number;
  readonly useBias?: boolean;
  readonly activation?: 'relu' | 'tanh' | 'linear';
}

interface NetSpec {
  readonly name: string;
  readonly dataset: 'gaussians' | 'patterns' | 'blobs' | 'cifar16';
  readonly inputShape: number[];
  readonly weightBits: number | null;
  readonly layers: readonly LayerSpec[];
  readonly weights: readonly {
    readonly group: 'trained' | 'init';
    readonly name: string;
    readonly shape: number[];
    readonly offset: number;
    readonly length: number;
  }[];
  readonly trainAcc: number;
  readonly trainLoss: number;
  readonly testAcc: number;
  readonly testLoss: number;
  readonly genGapLoss: number;
  readonly genGapAcc: number;
  readonly m: number;
}

export interface HostData {
  readonly xs: Float32Array;
  readonly ys: Int32Array;
  readonly shape: number[];
}

export interface GoldenNet {
  readonly spec: NetSpec;
  readonly model: tfl.LayersModel;
  /** The same architecture with the weights of initialization, never quantized. */
  readonly initial: tfl.LayersModel;
  readonly train: HostData;
  readonly test: HostData;
}

/** The nets of a kind: the repository's own, and one of ../shared where it is at hand. */
async function atHand(...names: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(names.map((name) => goldenBytes(`measures/nets/${name}.json`)));
  return names.filter((_, i) => found[i]);
}

export const smallNets = await atHand('mlp-gaussians', 's1-mlp-blobs');
export const convNets = await atHand('conv-patterns', 's3-conv');
/** Convolutions with batch normalization. */
export const normalizedNets = await atHand('nin-bn-patterns', 's4-nin-bn');
export const floatNets = [
  ...smallNets,
  ...(await atHand('mlp-patterns', 's2-mlp-cifar')),
  ...convNets,
  ...normalizedNets,
];
/** One net each at 8, 4 and 2 bits. */
export const twins = [
  await atHand('conv-int8', 'conv-int4', 'conv-int2'),
  await atHand('s5-conv-int8', 's6-conv-int4', 's7-conv-int2'),
].filter(({ length }) => length > 0);
export const quantizedNets = twins.flat();
export const officialNets = await atHand('official-nin', 's8-official-nin');

async function present(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await goldenBytes(`measures/${path}`);
  if (!bytes) throw new Error(`measures/${path} is missing from the goldens`);
  return bytes;
}

/** The float32 numbers of a file of goldens/measures. */
export async function goldenFloats(path: string): Promise<Float32Array> {
  const bytes = await present(path);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** The entry of this net in a file of goldens/measures with one for each net. */
export async function goldenOf<T>(file: string, name: string): Promise<T> {
  for (const goldens of await goldenJsons<Record<string, T>>(`measures/${file}`))
    if (goldens[name] !== undefined) return goldens[name];
  throw new Error(`measures/${file} of the goldens has nothing of ${name}`);
}

/** The numbers that the official code of Dziugaite et al. 2020 gave for one of `officialNets`. */
export async function officialRun<T>(name: string): Promise<T> {
  return (await goldenJsons<T>('measures/official.json'))[officialNets.indexOf(name)]!;
}

/** A golden net as a LayersModel with its data. */
export async function goldenNet(name: string): Promise<GoldenNet> {
  const spec = (await goldenJson<NetSpec>(`measures/nets/${name}.json`))!;
  const values = await goldenFloats(`nets/${name}.f32`);
  const [train, test] = [await goldenData(spec.dataset, 'train'), await goldenData(spec.dataset, 'test')];
  const initial = buildNet(spec);
  setWeights(initial, spec, values, 'init');
  const float = buildNet(spec);
  setWeights(float, spec, values, 'trained');
  const { weightBits } = spec;
  if (weightBits === null) return { spec, model: float, initial, train, test };
  const step = (layer: string) => {
    const entry = spec.weights.find((each) => each.group === 'trained' && each.name === `${layer}/step`)!;
    return values[entry.offset]!;
  };
  const model = quantizeConvNet(float, weightBits, step);
  float.dispose();
  return { spec, model, initial, train, test };
}

async function goldenData(dataset: NetSpec['dataset'], split: 'train' | 'test'): Promise<HostData> {
  const path = `data/${dataset}.${split}`;
  const ys = Int32Array.from(await present(`${path}.labels.u8`));
  if (dataset === 'gaussians' || dataset === 'blobs')
    return { xs: await goldenFloats(`${path}.x.f32`), ys, shape: [16] };
  const levels = await present(`${path}.images.u8${dataset === 'patterns' ? '.gz' : ''}`);
  return { xs: Float32Array.from(levels, (level) => level / 127.5 - 1), ys, shape: [16, 16, 3] };
}

/** The first `count` examples. */
export function firstExamples({ xs, ys, shape }: HostData, count: number): HostData {
  const stride = shape.reduce((product, size) => product * size, 1);
  return { xs: xs.slice(0, count * stride), ys: ys.slice(0, count), shape };
}

function buildNet({ layers, inputShape }: Pick<NetSpec, 'layers' | 'inputShape'>): tfl.LayersModel {
  const input = tfl.input({ shape: inputShape });
  let x: tfl.SymbolicTensor = input;
  for (const layer of layers) x = buildLayer(layer).apply(x) as tfl.SymbolicTensor;
  return tfl.model({ inputs: input, outputs: x });
}

function buildLayer(spec: LayerSpec): tfl.layers.Layer {
  const { name, activation } = spec;
  switch (spec.type) {
    case 'dense':
      return tfl.layers.dense({ name, units: spec.units!, activation });
    case 'conv2d':
      return tfl.layers.conv2d({
        name,
        filters: spec.filters!,
        kernelSize: spec.kernel!,
        strides: spec.stride!,
        padding: spec.padding!,
        activation,
        useBias: spec.useBias,
      });
    case 'batchNorm':
      return tfl.layers.batchNormalization({ name, epsilon: spec.epsilon });
    case 'activation':
      return tfl.layers.activation({ activation: activation! });
    case 'flatten':
      return tfl.layers.flatten();
    case 'zeroPad':
      return tfl.layers.zeroPadding2d({ padding: spec.pad! });
    case 'gap':
      return tfl.layers.globalAveragePooling2d({});
  }
}

function setWeights(model: tfl.LayersModel, spec: NetSpec, values: Float32Array, group: 'trained' | 'init'): void {
  for (const layer of model.layers)
    for (const weight of layer.weights) {
      const name = `${layer.name}/${weight.originalName.split('/').pop()}`;
      const entry = spec.weights.find((each) => each.group === group && each.name === name);
      if (!entry) throw new Error(`${spec.name} has no ${group} ${name}`);
      const value = tf.tensor(values.slice(entry.offset, entry.offset + entry.length), entry.shape);
      weight.write(value);
      value.dispose();
    }
}

/** The goldens call QGen's own reading of its formulas `seed`. */
export const dialectOf = (name: string): Dialect => (name === 'seed' ? 'qgen' : (name as Dialect));
