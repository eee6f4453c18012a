import { calibrate, quantizeModel } from '@qgen/lsq';
import { exportOnnx, type OnnxRuntime, verifyOnnx } from '@qgen/lsq/onnx';
import * as tf from '@tensorflow/tfjs-core';
import { input, type LayersModel, layers, model, type SymbolicTensor, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { leakedTensors, useBackend } from '../../../../test/backends';
import { ort } from '../../../../test/onnx-runtime';

beforeAll(() => useBackend('cpu'));

/** A net whose names do not depend on how many layers were made before. */
const net = (units = 8, names = ['a', 'b']) =>
  sequential({
    name: 'net',
    layers: [
      layers.dense({ name: names[0]!, units, activation: 'relu', inputShape: [12] }),
      layers.dense({ name: names[1]!, units: 4 }),
    ],
  });

const xs = () => tf.randomNormal([70, 12], 0, 1, 'float32', 3);

async function quantized(activations: number | null = null, float = net()): Promise<LayersModel> {
  const made = await quantizeModel(float, { bits: 4, activations, firstLast: 'same' });
  const data = xs();
  if (activations) await calibrate(made, data);
  tf.dispose(data);
  float.dispose();
  return made;
}

/** A runtime that gives what a function makes of the model's outputs. */
function pretending(of: LayersModel, change: (values: Float32Array) => Float32Array): OnnxRuntime {
  return {
    Tensor: class {
      constructor(
        readonly type: string,
        readonly data: Float32Array,
        readonly dims: number[],
      ) {}
    } as unknown as OnnxRuntime['Tensor'],
    InferenceSession: {
      create: async () => ({
        async run(feeds) {
          const [feed] = Object.values(feeds) as unknown as { data: Float32Array; dims: [number, number] }[];
          const y = tf.tidy(() => (of.predict(tf.tensor(feed!.data, feed!.dims)) as tf.Tensor).dataSync());
          return { b: { data: change(y as Float32Array) } };
        },
      }),
    },
  };
}

describe('verifyOnnx', () => {
  it('says that a file computes what its model computes', async () => {
    const leaked = await leakedTensors(async () => {
      const made = await quantized(8);
      const data = xs();
      const { bytes, sessionOptions } = await exportOnnx(made);
      const progress: number[] = [];
      const report = await verifyOnnx(made, data, {
        ...{ bytes, ort, sessionOptions },
        onProgress: ({ done, total }) => progress.push(done, total!),
      });
      expect(report.examples).toBe(70);
      expect(report.outputs).toHaveLength(1);
      expect(report.outputs[0]).toMatchObject({ name: 'b', values: 280, top1Agreement: 1, top1Contradictions: 0 });
      expect(report.outputs[0]!.maxDifference).toBeLessThan(1e-6 * report.outputs[0]!.largest);
      expect(report.kernels).toEqual({ total: 2, differentCodes: [], differentSteps: [] });
      // What goes into layer a is the input of the model, which stays as it is.
      expect(report.activations).toEqual([{ layer: 'b', values: 70 * 8, differing: 0, largest: 0 }]);
      expect(progress.slice(-2)).toEqual([70, 70]);
      made.dispose();
      data.dispose();
    });
    expect(leaked).toBe(0);
  });

  it('measures differences: 0.5 in one value of 280, and one row of 70 with another largest value', async () => {
    const made = await quantized();
    const { bytes } = await exportOnnx(made);
    const data = xs();
    const own = tf.tidy(() => (made.predict(data) as tf.Tensor).arraySync()) as number[][];
    // What is below the largest value of the first row by 0.25 is raised above it by 0.25.
    const ranked = [...own[0]!].sort((a, b) => b - a);
    const place = own[0]!.indexOf(ranked[1]!);
    let calls = 0;
    const change = (values: Float32Array) => {
      if (calls++ === 0) values[place]! = ranked[0]! + 0.25;
      return values;
    };
    const report = await verifyOnnx(made, data, { bytes, ort: pretending(made, change), batchSize: 7 });
    const difference = ranked[0]! + 0.25 - ranked[1]!;
    const [output] = report.outputs;
    expect(output!.maxDifference).toBeCloseTo(difference, 5);
    expect(output!.meanDifference).toBeCloseTo(difference / 280, 6);
    expect(output!.top1Agreement).toBeCloseTo(69 / 70, 12);
    // The margin of the row is the difference less 0.25, so that the difference explains it.
    expect(output!.top1Contradictions).toBe(0);
    expect(calls).toBe(10);
    made.dispose();
    data.dispose();
  });

  it('reports a NaN as one', async () => {
    const made = await quantized();
    const { bytes } = await exportOnnx(made);
    const report = await verifyOnnx(made, tf.ones([1, 12]), {
      bytes,
      ort: pretending(made, (v) => v.fill(Number.NaN)),
    });
    expect(report.outputs[0]!.maxDifference).toBeNaN();
    expect(report.outputs[0]!.top1Agreement).toBeLessThanOrEqual(1);
    made.dispose();
  });

  it('tells the codes of another training from those of the model', async () => {
    const [made, other] = [await quantized(), await quantized()];
    const { bytes } = await exportOnnx(other);
    const data = xs();
    const { kernels, outputs } = await verifyOnnx(made, data, { bytes, ort });
    expect(kernels.total).toBe(2);
    expect(kernels.differentCodes).toEqual(['a/kernel', 'b/kernel']);
    expect(outputs[0]!.maxDifference).toBeGreaterThan(0.01);
    for (const each of [made, other, data]) each.dispose();
  });

  it('leaves the model as it was where the runtime fails', async () => {
    const made = await quantized(8);
    const { bytes } = await exportOnnx(made);
    const data = xs();
    const failing = pretending(made, () => {
      throw new Error('out of memory');
    });
    const before = tf.memory().numTensors;
    await expect(verifyOnnx(made, data, { bytes, ort: failing })).rejects.toThrow('out of memory');
    expect(tf.memory().numTensors).toBe(before);
    expect(Object.hasOwn((made.layers[1] as unknown as { inputQuantizer: object }).inputQuantizer, 'apply')).toBe(
      false,
    );
    made.dispose();
    data.dispose();
  });
});

describe('2-bit kernels of a number of units that is no multiple of 4', () => {
  it.each([3, 5, 10])('%i units come out right, at every level of optimization', async (units) => {
    const float = sequential({ layers: [layers.dense({ name: 'fc', units, inputShape: [16] })] });
    const made = await quantizeModel(float, { bits: 2, firstLast: 'same', perChannel: true });
    const { bytes, sessionOptions } = await exportOnnx(made);
    const data = tf.randomNormal([9, 16], 0, 1, 'float32', 1);
    for (const options of [sessionOptions, {}, { graphOptimizationLevel: 'basic' }]) {
      const { outputs } = await verifyOnnx(made, data, { bytes, ort, sessionOptions: options });
      expect(outputs[0]!.maxDifference).toBeLessThan(1e-6 * outputs[0]!.largest);
    }
    for (const each of [float, made, data]) each.dispose();
  });
});

describe('a ReLU6 whose 6 is within half a step of the outermost code', () => {
  // 255 steps of 0.02353179 are 6.0006; ONNX Runtime 1.30 refused the file.
  it.each([0.0235, 0.02352, 0.02353179, 0.0236, 0.03])('with a step of %d', async (step) => {
    const float = sequential({
      layers: [
        layers.conv2d({ name: 'c1', filters: 8, kernelSize: 3, inputShape: [8, 8, 3], activation: 'relu6' }),
        layers.conv2d({ name: 'c2', filters: 4, kernelSize: 1 }),
      ],
    });
    const made = await quantizeModel(float, { bits: 8, activations: { bits: 8, init: step }, firstLast: 'same' });
    const { bytes, sessionOptions } = await exportOnnx(made);
    const data = tf.randomNormal([2, 8, 8, 3], 0, 20, 'float32', 1);
    for (const options of [sessionOptions, {}]) {
      const { activations } = await verifyOnnx(made, data, { bytes, ort, sessionOptions: options });
      expect(activations[0]!.values).toBe(2 * 6 * 6 * 8);
      expect(activations[0]!.largest).toBeLessThanOrEqual(1);
    }
    for (const each of [float, made, data]) each.dispose();
  });
});

describe('the options for a session', () => {
  it('keep ONNX Runtime from rounding what goes into a product, and from making integers of a graph', async () => {
    const [weights, both] = [await quantized(), await quantized(8)];
    expect((await exportOnnx(weights)).sessionOptions).toEqual({
      graphOptimizationLevel: 'all',
      extra: { session: { qdq_matmulnbits_accuracy_level: '1' } },
    });
    expect((await exportOnnx(both)).sessionOptions).toEqual({
      graphOptimizationLevel: 'all',
      extra: { session: { disable_quant_qdq: '1' } },
    });
    weights.dispose();
    both.dispose();
  });

  it('matter: without them biases are rounded, and codes of activations change', async () => {
    const float = sequential({
      layers: [
        layers.conv2d({ name: 'c1', filters: 8, kernelSize: 3, inputShape: [8, 8, 8], activation: 'relu' }),
        layers.conv2d({ name: 'c2', filters: 8, kernelSize: 3, activation: 'relu', biasInitializer: 'randomNormal' }),
        layers.conv2d({ name: 'c3', filters: 8, kernelSize: 3 }),
      ],
    });
    const made = await quantizeModel(float, { bits: 4, activations: 8, firstLast: 'same' });
    const data = tf.randomNormal([8, 8, 8, 8], 0, 1, 'float32', 2);
    await calibrate(made, data);
    const { bytes, sessionOptions } = await exportOnnx(made);
    const share = async (options: object) => {
      const { activations } = await verifyOnnx(made, data, { bytes, ort, sessionOptions: options });
      return activations.reduce((sum, { differing }) => sum + differing, 0);
    };
    expect(await share(sessionOptions)).toBe(0);
    expect(await share({})).toBeGreaterThan(1e-3);
    for (const each of [float, made, data]) each.dispose();
  });
});

describe('bad input', () => {
  const refused = (work: Promise<unknown>, message: string) => expect(work).rejects.toThrow(message);

  it('a layer without translation is named, with all others, before anything is written', async () => {
    const x = input({ shape: [5, 4], name: 'x' });
    const masked = layers.masking({ name: 'mask' }).apply(x) as SymbolicTensor;
    const rnn = layers.lstm({ units: 3, returnSequences: true });
    const both = layers.bidirectional({ layer: rnn as never, mergeMode: 'concat', name: 'both' });
    const made = model({ inputs: x, outputs: both.apply(masked) as SymbolicTensor });
    await refused(
      exportOnnx(made),
      'exportOnnx: there is no translation to ONNX of layer mask (Masking), both (Bidirectional); build the model of layers that have one: Dense, ',
    );
    made.dispose();
  });

  it('a configuration without translation is named', async () => {
    const made = sequential({
      layers: [layers.layerNormalization({ name: 'norm', axis: 1, inputShape: [4, 3] })],
    });
    await refused(
      exportOnnx(made),
      'exportOnnx: layer norm (LayerNormalization) has no translation to ONNX because of normalizing axes 1 of 3, of which ONNX takes the last ones only; change that in the model',
    );
    made.dispose();
  });

  it('activations without data', async () => {
    const made = await quantizeModel(net(), { bits: 4, activations: 8 });
    const message = 'the activations of layer b have seen no data; train the model or call calibrate(model, xs)';
    await refused(exportOnnx(made), `exportOnnx: ${message}`);
    made.dispose();
  });

  it('weights that are NaN', async () => {
    const made = net();
    made.layers[0]!.setWeights([tf.fill([12, 8], Number.NaN), tf.zeros([8])]);
    await refused(exportOnnx(made), 'exportOnnx: the values of a/kernel are NaN or infinite');
  });

  it.each([
    [16, 'exportOnnx: opset must be an integer from 17 to 25, got 16'],
    [26, 'exportOnnx: opset must be an integer from 17 to 25, got 26'],
    ['17', "exportOnnx: opset must be an integer from 17 to 25, got '17'"],
  ])('opset %s', async (opset, message) => {
    await refused(exportOnnx(net(), { opset: opset as number }), message);
  });

  it('codes that no type of an opset holds', async () => {
    const made = await quantizeModel(net(), { bits: 12 });
    await refused(
      exportOnnx(made, { opset: 20 }),
      'exportOnnx: opset 20 has no type for the 12-bit codes of the kernels of layer a; INT16 came with opset 21',
    );
    made.dispose();
  });

  it('an option that does not exist, and what is no model', async () => {
    await refused(
      exportOnnx(net(), { opsett: 17 } as never),
      "exportOnnx: there is no option 'opsett'; did you mean 'opset'?",
    );
    await refused(exportOnnx(null as never), 'exportOnnx: model must be a LayersModel');
    await refused(verifyOnnx(null as never, tf.ones([1]), {} as never), 'verifyOnnx: model must be a LayersModel');
  });

  it("another model's bytes", async () => {
    const made = await quantized();
    const data = xs();
    const bytesOf = async (other: LayersModel) => (await exportOnnx(other)).bytes;
    await refused(
      verifyOnnx(made, data, { bytes: await bytesOf(net(8, ['a', 'c'])), ort }),
      'verifyOnnx: bytes hold another model, with the outputs c for b; give it what exportOnnx made of this one',
    );
    await refused(
      verifyOnnx(made, data, { bytes: await bytesOf(net(9)), ort }),
      'verifyOnnx: bytes hold another model, with the weight a/kernel of shape [12,9] for [12,8]',
    );
    await refused(
      verifyOnnx(made, data, { bytes: Uint8Array.of(1, 2, 3), ort }),
      'verifyOnnx: bytes are no file of ONNX (',
    );
    await refused(
      verifyOnnx(made, data, { bytes: new Uint8Array(0), ort }),
      'verifyOnnx: bytes are no file of ONNX (they hold no graph); give it the bytes that exportOnnx gave',
    );
    await refused(
      verifyOnnx(made, data, { bytes: (await bytesOf(made)).slice(0, -20), ort }),
      'verifyOnnx: bytes are no file of ONNX (the bytes end within a field)',
    );
    made.dispose();
  });

  it('inputs of another shape, and none', async () => {
    const made = await quantized();
    const { bytes } = await exportOnnx(made);
    await refused(verifyOnnx(made, tf.ones([3, 11]), { bytes, ort }), 'verifyOnnx: ');
    await refused(verifyOnnx(made, tf.ones([0, 12]), { bytes, ort }), 'verifyOnnx: ');
    made.dispose();
  });

  it('a format that the runtime refuses', async () => {
    const made = await quantized();
    const { bytes } = await exportOnnx(made);
    const newer = bytes.slice();
    // The first field of a model is the version of the format.
    expect([...newer.slice(0, 2)]).toEqual([0x08, 10]);
    newer[1] = 99;
    await refused(
      verifyOnnx(made, xs(), { bytes: newer, ort }),
      'verifyOnnx: the runtime refuses the file, which has opset 21 in format version 99: ',
    );
    await refused(
      verifyOnnx(made, xs(), { bytes: newer, ort }),
      'take a newer ONNX Runtime (1.30 reads opset 25), or export with a lower opset than 21: exportOnnx(model, { opset: 17 })',
    );
    made.dispose();
  });

  it('bytes or a runtime that are none', async () => {
    const made = await quantized();
    const { bytes } = await exportOnnx(made);
    await refused(
      verifyOnnx(made, xs(), { bytes: 'model.onnx' as never, ort }),
      "verifyOnnx: bytes must be the Uint8Array that exportOnnx gave, got 'model.onnx'",
    );
    await refused(
      verifyOnnx(made, xs(), { bytes, ort: undefined as never }),
      'verifyOnnx: ort must be the module onnxruntime-web or onnxruntime-node, got undefined',
    );
    made.dispose();
  });
});
