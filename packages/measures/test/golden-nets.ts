import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { goldenBytes, goldenJson } from '../../../test/goldens';
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
  readonly dataset: 'blobs' | 'cifar16';
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

export const floatNets = ['s1-mlp-blobs', 's2-mlp-cifar', 's3-conv', 's4-nin-bn'] as const;
export const quantizedNets = ['s5-conv-int8', 's6-conv-int4', 's7-conv-int2'] as const;

export async function goldenFloats(path: string): Promise<Float32Array | undefined> {
  const bytes = await goldenBytes(path);
  return bytes && new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** A golden net as a LayersModel with its data, or undefined where it is not at hand. */
export async function goldenNet(name: string): Promise<GoldenNet | undefined> {
  const spec = await goldenJson<NetSpec>(`measures/nets/${name}.json`);
  const values = await goldenFloats(`measures/nets/${name}.f32`);
  if (!spec || !values) return undefined;
  const [train, test] = [await goldenData(spec.dataset, 'train'), await goldenData(spec.dataset, 'test')];
  if (!train || !test) return undefined;
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

async function goldenData(dataset: NetSpec['dataset'], split: 'train' | 'test'): Promise<HostData | undefined> {
  const images = dataset === 'cifar16';
  const labels = await goldenBytes(`measures/data/${dataset}.${split}.labels.u8`);
  const bytes = await goldenBytes(`measures/data/${dataset}.${split}.${images ? 'images.u8' : 'x.f32'}`);
  if (!labels || !bytes) return undefined;
  const xs = images
    ? Float32Array.from(bytes, (value) => value / 127.5 - 1)
    : new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  return { xs, ys: Int32Array.from(labels), shape: images ? [16, 16, 3] : [16] };
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
