import { dequantizeModel, exportQuantized, loadQuantized, modelSize, quantizedWeights, quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { leakedTensors, useBackend } from '../../../test/backends';

beforeAll(() => useBackend('cpu'));

const net = () => sequential({ layers: [layers.dense({ units: 2, inputShape: [3], name: 'fc' })] });
const call = async (work: () => unknown) => void (await work());

describe.each<[string, (model: LayersModel) => unknown]>([
  ['dequantizeModel', (model) => dequantizeModel(model)],
  ['exportQuantized', (model) => exportQuantized(model, { format: 'packed' })],
  ['quantizedWeights', (model) => quantizedWeights(model)],
  ['modelSize', (model) => modelSize(model)],
])('%s refuses as a model', (name, run) => {
  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a number', Number.NaN, 'NaN'],
    ['a path', 'model.json', "'model.json'"],
    ['a tensor of any size', tf.zeros([2 ** 10, 2 ** 10]), 'an object'],
    ['an empty array', [], 'an array'],
    ['a layer', layers.dense({ units: 2 }), 'an object'],
    ['a GraphModel', { predict: () => {}, artifacts: {} }, 'an object'],
  ])('%s', async (_, value, shown) => {
    const failure = expect(call(() => run(value as LayersModel))).rejects;
    await failure.toThrow(
      `${name}: model must be a LayersModel (a GraphModel has no layers to quantize or train), got ${shown}`,
    );
    await expect(call(() => run(value as LayersModel))).rejects.toThrow(TypeError);
  });
});

it.each<[string, () => unknown, string]>([
  [
    'dequantizeModel: an option that is misspelt',
    async () => dequantizeModel(await quantizeModel(net(), { bits: 4 }), { weigths: 'latent' } as never),
    "dequantizeModel: there is no option 'weigths'; did you mean 'weights'?",
  ],
  [
    'dequantizeModel: options that are none',
    async () => dequantizeModel(await quantizeModel(net(), { bits: 4 }), 'latent' as never),
    'dequantizeModel: options must be an object with any of weights, got latent',
  ],
  [
    'dequantizeModel: weights that are misspelt',
    async () => dequantizeModel(await quantizeModel(net(), { bits: 4 }), { weights: 'laten' as never }),
    "dequantizeModel: weights must be 'dequantized' or 'latent', got laten; did you mean 'latent'?",
  ],
  [
    'dequantizeModel: a plain model',
    () => dequantizeModel(net()),
    'dequantizeModel: no layer of the model is quantized; it is a plain model already',
  ],
  ['dequantizeModel: an empty model', () => dequantizeModel(sequential()), 'dequantizeModel: no layer of the model'],
  [
    'exportQuantized: no options',
    async () => exportQuantized(await quantizeModel(net(), { bits: 4 }), undefined as never),
    "exportQuantized: format must be 'tfjs' or 'packed', got undefined",
  ],
  [
    'exportQuantized: options that are none',
    async () => exportQuantized(await quantizeModel(net(), { bits: 4 }), null as never),
    'exportQuantized: options must be an object with any of format, foldBatchNorm, got null',
  ],
  [
    'exportQuantized: a format as the options',
    async () => exportQuantized(await quantizeModel(net(), { bits: 4 }), 'packed' as never),
    'exportQuantized: options must be an object with any of format, foldBatchNorm, got packed',
  ],
  [
    'exportQuantized: an option that is misspelt',
    async () =>
      exportQuantized(await quantizeModel(net(), { bits: 4 }), { format: 'packed', foldBatchnorms: true } as never),
    "exportQuantized: there is no option 'foldBatchnorms'; did you mean 'foldBatchNorm'?",
  ],
  [
    'exportQuantized: a format that there is not',
    async () => exportQuantized(await quantizeModel(net(), { bits: 4 }), { format: 'pack' as never }),
    "exportQuantized: format must be 'tfjs' or 'packed', got pack",
  ],
  [
    'exportQuantized: a choice that is no boolean',
    async () =>
      exportQuantized(await quantizeModel(net(), { bits: 4 }), { format: 'packed', foldBatchNorm: 1 as never }),
    'exportQuantized: foldBatchNorm must be true or false, got 1',
  ],
  [
    'exportQuantized: an empty model',
    () => exportQuantized(sequential(), { format: 'tfjs' }),
    'exportQuantized: the model has no quantized kernels; pass it to quantizeModel first',
  ],
  ...[undefined, null, Number.NaN, '', {}, [], { load: true }].map((source, i): [string, () => unknown, string] => [
    `loadQuantized: no source (${i})`,
    () => loadQuantized(source as never),
    'loadQuantized: source must be a URL or a handler that can load, got ',
  ]),
  ...[undefined, null, {}, { weightData: new ArrayBuffer(8) }].map((artifacts, i): [string, () => unknown, string] => [
    `loadQuantized: a source that holds no model (${i})`,
    () => loadQuantized({ load: async () => artifacts as never }),
    'loadQuantized: the source holds no model (no modelTopology); give it what exportQuantized wrote',
  ]),
  [
    'loadQuantized: a model without weights',
    async () => {
      const {
        weightData: _,
        weightSpecs: __,
        ...text
      } = await exportQuantized(await quantizeModel(net(), { bits: 4 }), { format: 'tfjs' });
      return loadQuantized(tf.io.fromMemory(text));
    },
    'loadQuantized: the source holds a model without weights; give it what exportQuantized wrote',
  ],
  [
    'loadQuantized: a header of a kernel that no memory holds',
    async () => {
      const artifacts = await exportQuantized(await quantizeModel(net(), { bits: 4 }), { format: 'packed' });
      const { qgen } = artifacts.userDefinedMetadata as { qgen: { tensors: { shape: number[] }[] } };
      qgen.tensors[0]!.shape = [2 ** 31, 2 ** 20];
      return loadQuantized(tf.io.fromMemory(artifacts));
    },
    'loadQuantized: the weights are truncated',
  ],
  [
    'loadQuantized: a header whose shape is NaN',
    async () => {
      const artifacts = await exportQuantized(await quantizeModel(net(), { bits: 4 }), { format: 'packed' });
      const { qgen } = artifacts.userDefinedMetadata as { qgen: { tensors: { shape: number[] }[] } };
      qgen.tensors[0]!.shape = [Number.NaN, 2];
      return loadQuantized(tf.io.fromMemory(artifacts));
    },
    'loadQuantized: the header is damaged; fetch or export the model again',
  ],
])('%s is an error', async (_, run, message) => {
  await expect(call(run)).rejects.toThrow(message);
});

it('a failure leaves no tensor behind', async () => {
  const quantized = await quantizeModel(net(), { bits: 4 });
  const leaked = await leakedTensors(async () => {
    await expect(exportQuantized(quantized, { format: 'pack' as never })).rejects.toThrow();
    await expect(dequantizeModel(quantized, { weights: 'none' as never })).rejects.toThrow();
    await expect(loadQuantized({ load: async () => ({}) })).rejects.toThrow();
  });
  expect(leaked).toBe(0);
});

describe('a layer whose class is not as its configuration says', () => {
  class Growing extends layers.Layer {
    static readonly className: string = 'Growing';
    static units = 2;
    override build(shape: number[]): void {
      const one = { apply: (size: number[]) => tf.ones(size) } as never;
      this.addWeight('kernel', [shape.at(-1)!, Growing.units++], 'float32', one);
      super.build(shape);
    }
    override computeOutputShape([batch]: number[]): number[] {
      return [batch!, 2];
    }
  }
  tf.serialization.registerClass(Growing as never);
  class Unknown extends Growing {
    static override readonly className: string = 'Unknown';
    override build(shape: number[]): void {
      Growing.units = 2;
      super.build(shape);
    }
  }
  const withLayer = (layer: layers.Layer) =>
    sequential({ layers: [layers.dense({ units: 2, inputShape: [3], name: 'fc' }), layer] });

  it('and has other weights each time is named, with both lists, and nothing is left behind', async () => {
    Growing.units = 2;
    const model = withLayer(new Growing({ name: 'growing' }));
    const leaked = await leakedTensors(() =>
      expect(quantizeModel(model, { bits: 4, overrides: { growing: null } })).rejects.toThrow(
        'quantizeModel: the weights of layer growing cannot be paired: it has kernel [2,2], and made from its configuration kernel [2,3]; look at its getConfig and build',
      ),
    );
    expect(leaked).toBe(0);
  });

  it('and is not registered is named by whatever function was called', async () => {
    const model = withLayer(new Unknown({ name: 'unknown' }));
    const expected = 'the class Unknown is not registered; call tf.serialization.registerClass(Unknown)';
    await expect(quantizeModel(model, { bits: 4 })).rejects.toThrow(`quantizeModel: ${expected}`);
    tf.serialization.registerClass(Unknown as never);
    const quantized = await quantizeModel(model, { bits: 4 });
    delete tf.serialization.SerializationMap.getMap().classNameMap.Unknown;
    await expect(dequantizeModel(quantized)).rejects.toThrow(`dequantizeModel: ${expected}`);
    await expect(exportQuantized(quantized, { format: 'packed' })).rejects.toThrow(`exportQuantized: ${expected}`);
  });
});
