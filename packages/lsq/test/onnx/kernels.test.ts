import { quantizedWeights, quantizeModel } from '@qgen/lsq';
import { exportOnnx } from '@qgen/lsq/onnx';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { TensorProto_DataType } from 'onnx-buf';
import { beforeAll, describe, expect, it } from 'vitest';
import { leakedTensors, useBackend } from '../../../../test/backends';
import { codesIn, floatsIn, readOnnx, tensorOf } from './stored-codes';

beforeAll(() => useBackend('cpu'));

const net = () =>
  sequential({
    layers: [
      layers.conv2d({ name: 'conv', filters: 5, kernelSize: 3, inputShape: [6, 6, 3] }),
      layers.depthwiseConv2d({ name: 'depthwise', kernelSize: [3, 2], depthMultiplier: 2 }),
      layers.flatten({ name: 'flatten' }),
      layers.dense({ name: 'dense', units: 7 }),
    ],
  });

/** Where each element of a kernel goes: by its indices to those in the file. */
const layouts: Readonly<Record<string, (index: number[], shape: number[]) => number[]>> = {
  'conv/kernel': ([y, x, c, f]) => [f!, c!, y!, x!],
  'depthwise/depthwise_kernel': ([y, x, c, m], shape) => [c! * shape[3]! + m!, 0, y!, x!],
  'dense/kernel': ([c, u]) => [c!, u!],
};

const at = (shape: readonly number[], index: readonly number[]) =>
  index.reduce((place, i, axis) => place * shape[axis]! + i, 0);

function indicesOf(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (all, size) => all.flatMap((index) => Array.from({ length: size }, (_, i) => [...index, i])),
    [[]],
  );
}

async function quantized(options: Parameters<typeof quantizeModel>[1]): Promise<LayersModel> {
  const float = net();
  const model = await quantizeModel(float, options);
  float.dispose();
  return model;
}

const TYPES = [
  [2, undefined, TensorProto_DataType.INT2, 25, 13],
  [3, undefined, TensorProto_DataType.INT4, 21, 10],
  [4, undefined, TensorProto_DataType.INT4, 21, 10],
  [5, undefined, TensorProto_DataType.INT8, 17, 8],
  [8, undefined, TensorProto_DataType.INT8, 17, 8],
  [12, undefined, TensorProto_DataType.INT16, 21, 10],
  [2, 24, TensorProto_DataType.INT4, 24, 12],
  [4, 20, TensorProto_DataType.INT8, 20, 9],
] as const;

describe.each([false, true])('kernels with perChannel: %s', (perChannel) => {
  it.each(TYPES)('of %i bits at opset %s are in the file bit for bit', async (bits, opset, type, expectedOpset, ir) => {
    const leaked = await leakedTensors(async () => {
      const model = await quantized({ bits, perChannel, firstLast: 'same' });
      const { bytes } = await exportOnnx(model, { opset });
      const stored = readOnnx(bytes);
      expect([stored.opsetImport.map(({ version }) => Number(version)), Number(stored.irVersion)]).toEqual([
        [expectedOpset],
        ir,
      ]);
      for (const { layer, name, shape, codes, step, axis } of quantizedWeights(model)) {
        const inFile = `${layer}/${name.split('/').at(-1)}`;
        const tensor = tensorOf(stored, inFile)!;
        expect(tensor.dataType).toBe(type);
        const sizes = tensor.dims.map(Number);
        // 2-bit kernels of a number of units that is no multiple of 4 are transposed.
        const turned = inFile === 'dense/kernel' && sizes[0] === 7;
        expect(turned).toBe(inFile === 'dense/kernel' && type === TensorProto_DataType.INT2);
        const expected = codes();
        const own = expected.dataSync();
        const found = codesIn(tensor);
        for (const index of indicesOf(shape)) {
          const place = turned ? index.toReversed() : layouts[inFile]!(index, [...shape]);
          if (found[at(sizes, place)] !== own[at(shape, index)])
            expect.fail(`${inFile} [${index}]: ${found[at(sizes, place)]} for ${own[at(shape, index)]}`);
        }
        const node = stored.graph!.node.find(({ input }) => input[0] === inFile)!;
        expect(node.opType).toBe('DequantizeLinear');
        const [, scale, zero] = node.input;
        const steps = [...step.dataSync()];
        // A depthwise kernel has a step a channel, which its two filters share.
        const spread = inFile.startsWith('depthwise') && axis !== null ? steps.flatMap((each) => [each, each]) : steps;
        expect(floatsIn(tensorOf(stored, scale!)!)).toEqual(spread);
        // Zero points of a transposed kernel are left to the default, which is 0.
        expect(zero === undefined).toBe(turned);
        if (zero) expect(codesIn(tensorOf(stored, zero)!)).toEqual(spread.map(() => 0));
        if (zero) expect(tensorOf(stored, zero)!.dataType).toBe(type);
        expected.dispose();
      }
      model.dispose();
    });
    expect(leaked).toBe(0);
  });
});

describe('the size of a file', () => {
  it.each([8, 4, 2])('is that of the packed weights within a twentieth at %i bits', async (bits) => {
    const large = sequential({
      layers: [layers.dense({ name: 'a', units: 1000, inputShape: [600] }), layers.dense({ name: 'b', units: 600 })],
    });
    const model = await quantizeModel(large, { bits, firstLast: 'same', init: 0.01 });
    const { bytes } = await exportOnnx(model);
    const initializers = readOnnx(bytes).graph!.initializer.reduce((sum, { rawData }) => sum + rawData.length, 0);
    // 1,200,000 kernel elements at `bits` bits, two steps and 1,600 biases.
    const packed = (1_200_000 * bits) / 8 + 4 * 2 + 4 * 1600;
    expect(initializers / packed).toBeLessThan(1.05);
    expect(bytes.length / packed).toBeLessThan(1.05);
    large.dispose();
    model.dispose();
  });
});

it('the same model gives the same bytes', async () => {
  const model = await quantized({ bits: 4 });
  const [first, second] = [await exportOnnx(model), await exportOnnx(model)];
  expect(Buffer.compare(first.bytes, second.bytes)).toBe(0);
  expect(first.sessionOptions).not.toBe(second.sessionOptions);
  model.dispose();
});

it('is a float model too, and the model stays as it is', async () => {
  const float = net();
  const before = float.getWeights().map((weight) => [...weight.dataSync()]);
  const { bytes, sessionOptions } = await exportOnnx(float);
  expect(readOnnx(bytes).graph!.node.map(({ opType }) => opType)).not.toContain('DequantizeLinear');
  expect(sessionOptions.graphOptimizationLevel).toBe('all');
  expect(float.getWeights().map((weight) => [...weight.dataSync()])).toEqual(before);
  float.dispose();
});
