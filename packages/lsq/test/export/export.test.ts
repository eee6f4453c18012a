import {
  calibrate,
  dequantizeModel,
  exportQuantized,
  loadQuantized,
  modelSize,
  quantizedWeights,
  quantizeModel,
} from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import {
  input,
  type LayersModel,
  layers,
  loadLayersModel,
  model,
  type SymbolicTensor,
  sequential,
} from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';
import { crc32 } from '../../src/export/checksum';
import { asFile } from '../saved';

const x = () => tf.randomNormal([6, 8, 8, 2], 0, 1, 'float32', 1);

const predict = (of: LayersModel) => tf.tidy(() => (of.predict(x()) as tf.Tensor).dataSync() as Float32Array);

const net = () =>
  sequential({
    layers: [
      layers.conv2d({ name: 'conv', filters: 5, kernelSize: 3, activation: 'relu', inputShape: [8, 8, 2] }),
      layers.depthwiseConv2d({ name: 'depthwise', kernelSize: 3 }),
      layers.flatten(),
      layers.dense({ name: 'dense', units: 3 }),
    ],
  });

/** A graph with a normalization after every layer, one of them in a branch, and weights that are not their start. */
function normalized(): LayersModel {
  const on = (layer: layers.Layer, ...nodes: SymbolicTensor[]) =>
    layer.apply(nodes.length === 1 ? nodes[0]! : nodes) as SymbolicTensor;
  const image = input({ shape: [8, 8, 2] });
  const conv = on(layers.conv2d({ filters: 4, kernelSize: 3, padding: 'same', useBias: false }), image);
  const trunk = on(layers.reLU(), on(layers.batchNormalization(), conv));
  const branch = on(
    layers.batchNormalization({ scale: false }),
    on(layers.conv2d({ filters: 4, kernelSize: 1 }), trunk),
  );
  const joined = on(layers.add(), trunk, branch);
  const depthwise = on(layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2 }), joined);
  const separable = on(
    layers.separableConv2d({ filters: 3, kernelSize: 3 }),
    on(layers.batchNormalization(), depthwise),
  );
  const flat = on(layers.flatten(), on(layers.batchNormalization({ center: false }), separable));
  const result = model({
    inputs: image,
    outputs: on(layers.batchNormalization(), on(layers.dense({ units: 3 }), flat)),
  });
  result.weights.forEach((weight, i) => {
    const shape = weight.shape as number[];
    if (/variance/.test(weight.name)) weight.write(tf.randomUniform(shape, 0.5, 2, 'float32', i));
    else weight.write(tf.randomNormal(shape, 0, 0.7, 'float32', i));
  });
  return result;
}

describe.each(backends)('exportQuantized on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it.each([2, 3, 4, 8, 12])('the tfjs format at %i bits loads bit for bit in the stock loader', async (bits) => {
    const quantized = await quantizeModel(net(), { bits, firstLast: 'same' });
    const artifacts = await exportQuantized(quantized, { format: 'tfjs' });
    const loaded = await loadLayersModel(tf.io.fromMemory(asFile(artifacts)));
    expect(loaded.layers.map((layer) => layer.getClassName())).toEqual([
      'Conv2D',
      'DepthwiseConv2D',
      'Flatten',
      'Dense',
    ]);
    expect(predict(loaded)).toEqual(predict(quantized));
    for (const weight of quantizedWeights(quantized)) {
      const kernel = loaded.weights.find(({ originalName }) => originalName === weight.name)!;
      // Fake quantization makes -0 of a small negative weight; an integer has no such zero.
      expect([...kernel.read().dataSync()]).toEqual(Array.from(weight.dequantized().dataSync(), (value) => value + 0));
    }
  });

  it.each([
    { bits: 2 },
    { bits: 3, perChannel: true },
    { bits: 4, narrow: true },
    { bits: 8, perChannel: true, activations: 8 },
    { bits: 4, activations: { bits: 3, offset: true } },
    { bits: 5, overrides: { conv: 7, depthwise: null } },
  ])('the packed format of %o loads bit for bit and is as long as modelSize says', async (options) => {
    const quantized = await quantizeModel(net(), options);
    if (options.activations) await calibrate(quantized, x());
    const artifacts = await exportQuantized(quantized, { format: 'packed' });
    expect((artifacts.weightData as ArrayBuffer).byteLength).toBe(modelSize(quantized).quantizedBytes);
    const loaded = await loadQuantized(tf.io.fromMemory(asFile(artifacts)));
    expect(predict(loaded)).toEqual(predict(quantized));
  });

  it('folding batch normalizations keeps the codes and the predictions up to rounding', async () => {
    const plain = normalized();
    for (const options of [{ bits: 4 }, { bits: 3, perChannel: true }] as const) {
      const quantized = await quantizeModel(plain, options);
      const artifacts = await exportQuantized(quantized, { format: 'packed', foldBatchNorm: true });
      const loaded = await loadQuantized(tf.io.fromMemory(asFile(artifacts)));
      expect(loaded.layers.filter((layer) => layer.getClassName() === 'BatchNormalization')).toEqual([]);
      const [expected, actual] = [predict(quantized), predict(loaded)];
      const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      actual.forEach((value, i) => void expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-5 * scale));
      expect((artifacts.weightData as ArrayBuffer).byteLength).toBeLessThan(modelSize(quantized).quantizedBytes);
    }
  });

  it('folds where the inputs of layers are quantized too', async () => {
    const quantized = await quantizeModel(normalized(), { bits: 4, activations: 8 });
    await calibrate(quantized, x());
    const loaded = await loadQuantized(
      tf.io.fromMemory(asFile(await exportQuantized(quantized, { format: 'packed', foldBatchNorm: true }))),
    );
    expect(loaded.layers.filter((layer) => layer.getClassName() === 'BatchNormalization')).toEqual([]);
    const [expected, actual] = [predict(quantized), predict(loaded)];
    const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    // Rounding may move an activation over a tie, by one code of 256.
    actual.forEach((value, i) => void expect(Math.abs(value - expected[i]!)).toBeLessThan(0.02 * scale));
  });

  it('leaves no tensor behind', async () => {
    const quantized = await quantizeModel(normalized(), { bits: 4, perChannel: true });
    const leaked = await leakedTensors(async () => {
      for (const foldBatchNorm of [false, true]) {
        const artifacts = await exportQuantized(quantized, { format: 'packed', foldBatchNorm });
        (await loadQuantized(tf.io.fromMemory(artifacts))).dispose();
      }
      (await dequantizeModel(quantized)).dispose();
    });
    expect(leaked).toBe(0);
  });
});

describe('a packed file', () => {
  beforeAll(() => useBackend('cpu'));
  const packed = async () => {
    const quantized = await quantizeModel(net(), { bits: 3, perChannel: true });
    quantized.setUserDefinedMetadata({ author: 'someone' });
    return asFile(await exportQuantized(quantized, { format: 'packed' }));
  };
  const load = (artifacts: tf.io.ModelArtifacts) => loadQuantized(tf.io.fromMemory(artifacts));
  const header = (artifacts: tf.io.ModelArtifacts) =>
    (artifacts.userDefinedMetadata as { qgen: { version: number; checksum: string; tensors: { shape: number[] }[] } })
      .qgen;

  it('keeps the metadata of the model', async () => {
    expect((await load(await packed())).getUserDefinedMetadata()).toEqual({ author: 'someone' });
  });

  it('any flipped byte of the weights is found', async () => {
    const artifacts = await packed();
    const whole = new Uint8Array(artifacts.weightData as ArrayBuffer);
    for (let at = 0; at < whole.length; at += 37) {
      const damaged = whole.slice();
      damaged[at]! ^= 1 << (at % 8);
      await expect(load({ ...artifacts, weightData: damaged.buffer }), `byte ${at}`).rejects.toThrow(
        /the checksum is wrong, the file is damaged; fetch or export the model again/,
      );
    }
  });

  it('a change of the graph or of the header is found', async () => {
    const graph = await packed();
    const text = JSON.stringify(graph.modelTopology).replace('"relu"', '"tanh"');
    await expect(load({ ...graph, modelTopology: JSON.parse(text) as object })).rejects.toThrow(
      /the checksum is wrong/,
    );
    const shape = await packed();
    header(shape).tensors[0]!.shape.reverse();
    await expect(load(shape)).rejects.toThrow(/the checksum is wrong/);
    const entries = await packed();
    (header(entries).tensors[0] as unknown as { shape: unknown }).shape = 'large';
    await expect(load(entries)).rejects.toThrow(/the header is damaged/);
  });

  it('a truncated file says how many bytes are missing', async () => {
    const artifacts = await packed();
    const data = artifacts.weightData as ArrayBuffer;
    await expect(load({ ...artifacts, weightData: data.slice(0, -5) })).rejects.toThrow(
      `the weights are truncated, ${data.byteLength - 5} bytes where the header tells of ${data.byteLength}`,
    );
    await expect(load({ ...artifacts, weightData: undefined })).rejects.toThrow(/truncated, 0 bytes/);
    await expect(load({ ...artifacts, weightData: new ArrayBuffer(data.byteLength + 1) })).rejects.toThrow(/too long/);
  });

  it('another version is refused by its number', async () => {
    const artifacts = await packed();
    header(artifacts).version = 2;
    await expect(load(artifacts)).rejects.toThrow(
      /the file has version 2 of the packed format and this package reads version 1/,
    );
  });

  it('a lost header is noticed', async () => {
    const { userDefinedMetadata: _, ...artifacts } = await packed();
    await expect(load(artifacts)).rejects.toThrow(/the format is undefined and not qgen-packed/);
  });

  it('the stock loader says what to read it with', async () => {
    const artifacts = await packed();
    await expect(loadLayersModel(tf.io.fromMemory(artifacts))).rejects.toThrow(
      /packed codes, to be read with loadQuantized/,
    );
  });

  it('is read whatever order the keys of its JSON are in, and one of 0.1.0 in the order it has', async () => {
    const reversed = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(reversed);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, each]) => [key, reversed(each)]),
      );
    };
    const artifacts = await packed();
    const { weightData, ...text } = artifacts;
    const other = { ...(reversed(text) as tf.io.ModelArtifacts), weightData };
    expect(JSON.stringify(other.modelTopology)).not.toBe(JSON.stringify(artifacts.modelTopology));
    expect(predict(await load(other))).toEqual(predict(await load(artifacts)));
    // The checksum of 0.1.0 is over the text as it stands.
    header(other).checksum = crc32(
      new TextEncoder().encode(JSON.stringify([other.modelTopology, header(other).tensors])),
      new Uint8Array(weightData as ArrayBuffer),
    );
    expect(predict(await load(other))).toEqual(predict(await load(artifacts)));
    const damaged = JSON.parse(JSON.stringify(other.modelTopology).replace('"relu"', '"tanh"')) as object;
    await expect(load({ ...other, modelTopology: damaged })).rejects.toThrow(/the checksum is wrong/);
  });

  it('weights in several buffers, as tfjs may hand them over, are read too', async () => {
    const artifacts = await packed();
    const data = artifacts.weightData as ArrayBuffer;
    const parts = [data.slice(0, 11), data.slice(11, 100), data.slice(100)];
    expect(predict(await load({ ...artifacts, weightData: parts }))).toEqual(predict(await load(artifacts)));
  });
});

describe('loadQuantized of a handler with the option streamWeights', () => {
  beforeAll(() => useBackend('cpu'));

  it.each(['packed', 'tfjs'] as const)('reads the weights of the %s format', async (format) => {
    const quantized = await quantizeModel(net(), { bits: 4 });
    const { weightData, ...text } = asFile(await exportQuantized(quantized, { format }));
    const json = { ...text, weightsManifest: [{ paths: ['weights.bin'], weights: text.weightSpecs }] };
    const fetchFunc = async (url: string) =>
      url.endsWith('.json') ? Response.json(json) : new Response(weightData as ArrayBuffer);
    const load = (streamWeights: boolean) =>
      loadQuantized(tf.io.http('https://example.org/model.json', { fetchFunc: fetchFunc as never, streamWeights }));
    expect(predict(await load(true))).toEqual(predict(quantized));
    expect(predict(await load(false))).toEqual(predict(quantized));
  });
});

describe('exportQuantized refuses', () => {
  beforeAll(() => useBackend('cpu'));

  it('a model that is not quantized', async () => {
    await expect(exportQuantized(net(), { format: 'tfjs' })).rejects.toThrow(
      /no quantized kernels; pass it to quantizeModel first/,
    );
  });

  it('a model that has diverged, naming the kernel', async () => {
    const quantized = await quantizeModel(net(), { bits: 3 });
    const { latent, step, name } = quantizedWeights(quantized)[0]!;
    latent.assign(tf.fill(latent.shape, Number.NaN));
    await expect(exportQuantized(quantized, { format: 'packed' })).rejects.toThrow(
      `the values of ${name} are NaN or infinite`,
    );
    latent.assign(tf.ones(latent.shape));
    step.assign(tf.fill(step.shape, Number.POSITIVE_INFINITY));
    await expect(exportQuantized(quantized, { format: 'packed' })).rejects.toThrow(`the steps of ${name} are NaN`);
  });

  it('NaN and infinities in what is not quantized: biases, normalizations, steps of activations', async () => {
    const quantized = await quantizeModel(normalized(), { bits: 4, activations: 4 });
    await calibrate(quantized, x());
    for (const part of [/bias$/, /gamma$/, /moving_variance$/, /input_(\w+_)?step$/]) {
      const weight = quantized.weights.find(({ originalName }) => part.test(originalName))!;
      const value = tf.clone(weight.read());
      for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY]) {
        weight.write(tf.fill(weight.shape as number[], wrong));
        for (const foldBatchNorm of [false, true])
          await expect(exportQuantized(quantized, { format: 'packed', foldBatchNorm })).rejects.toThrow(
            `exportQuantized: the values of ${weight.originalName} are NaN or infinite; the training has diverged`,
          );
      }
      weight.write(value);
    }
    await exportQuantized(quantized, { format: 'packed' });
  });

  it('per-channel steps and folding in the tfjs format', async () => {
    const channels = await quantizeModel(net(), { bits: 4, perChannel: true });
    await expect(exportQuantized(channels, { format: 'tfjs' })).rejects.toThrow(
      /one step per kernel, but conv\/kernel has one per channel; use format 'packed'/,
    );
    const quantized = await quantizeModel(net(), { bits: 4 });
    await expect(exportQuantized(quantized, { format: 'tfjs', foldBatchNorm: true })).rejects.toThrow(
      /foldBatchNorm makes one per channel; use format 'packed'/,
    );
  });

  it('an unknown format, and activations that have seen no data', async () => {
    const quantized = await quantizeModel(net(), { bits: 4, activations: 4 });
    await expect(exportQuantized(quantized, { format: 'onnx' as never })).rejects.toThrow(
      /format must be 'tfjs' or 'packed', got onnx/,
    );
    await expect(exportQuantized(quantized, { format: 'packed' })).rejects.toThrow(
      /the activations of layer depthwise have seen no data; train the model or call calibrate/,
    );
  });

  it('loadQuantized refuses a source that cannot load', async () => {
    await expect(loadQuantized({} as never)).rejects.toThrow(TypeError);
  });
});
