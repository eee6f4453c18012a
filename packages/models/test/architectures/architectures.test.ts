import {
  deit,
  efficientNetLite0,
  mobileNetV1,
  mobileNetV2,
  networkInNetwork,
  pyTorchWeights,
  resnet18,
  resnet50,
  swin,
  vgg19,
} from '@qgen/models';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { leakedTensors, useBackend } from '../../../../test/backends';
import { sizeOf } from '../filler';

beforeAll(() => useBackend('wasm'));

function parameters(model: LayersModel): number {
  const count = model.trainableWeights.reduce((sum, { shape }) => sum + sizeOf(shape as number[]), 0);
  model.dispose();
  return count;
}

describe('the builders', () => {
  it.each([
    ['resnet18', () => resnet18(), 11_689_512],
    ['resnet18 for CIFAR', () => resnet18({ inputShape: [32, 32, 3], classes: 10, stem: 'cifar', width: 16 }), 701_466],
    ['resnet50', () => resnet50(), 25_557_032],
    ['mobileNetV1', () => mobileNetV1(), 4_231_976],
    ['mobileNetV2', () => mobileNetV2(), 3_504_872],
    ['deit', () => deit(), 5_717_416],
    ['swin', () => swin(), 28_288_354],
    ['efficientNetLite0', () => efficientNetLite0(), 4_652_008],
  ] as const)('%s has the parameters of its paper', (_, build, count) => {
    expect(parameters(build())).toBe(count);
  });

  it('vgg19 has the parameters of torchvision', () => {
    // The convolutions with the head for CIFAR, less that head, and three dense layers that take seconds to draw.
    const features = parameters(vgg19({ inputShape: [32, 32, 3], classes: 10, head: 'cifar' })) - (512 * 10 + 10);
    const head = (512 * 49 + 1) * 4096 + (4096 + 1) * 4096 + (4096 + 1) * 1000;
    expect(features + head).toBe(143_678_248);
  });

  it.each([
    ['resnet18', resnet18, {}],
    ['resnet50', resnet50, { width: 8 }],
    ['mobileNetV1', mobileNetV1, { multiplier: 0.25 }],
    ['mobileNetV2', mobileNetV2, { multiplier: 0.25 }],
    ['efficientNetLite0', efficientNetLite0, {}],
    ['networkInNetwork', networkInNetwork, { width: 1, depth: 1 }],
    ['vgg19', vgg19, { width: 4, head: 'cifar' }],
  ] as const)('%s takes images of any size if it is told so', (_, build, options) => {
    tf.tidy(() => {
      const model = build({ ...(options as object), inputShape: [null, null, 1], classes: 5 });
      for (const size of [32, 39]) {
        const logits = model.predict(tf.zeros([2, size, size + 1, 1])) as tf.Tensor;
        expect(logits.shape).toEqual([2, 5]);
      }
      model.dispose();
    });
  });

  it.each([
    [() => vgg19({ inputShape: [32, 32, 3] }), 'vgg19: the ImageNet head takes a map of 7×7, which an image of 32×32'],
    [
      () => vgg19({ inputShape: [null, null, 3] }),
      'an image of any×any does not fill; take images of a fixed size of 224×224',
    ],
    [() => vgg19({ inputShape: [31, 40, 3], head: 'cifar' }), 'an image of 31×40; take images of 32×32 or larger'],
    [
      () => deit({ inputShape: [224, 230, 3] }),
      'must be multiples of the patch, got images of 224×230 and patches of 16×16; take images of 224×240',
    ],
    [() => deit({ inputShape: [null, null, 3] as never }), 'height and width fixed here, got [null,null,3]'],
    [() => deit({ embed: 190 }), 'deit: embed must be a multiple of heads, got embed 190 and 3 heads'],
    [() => swin({ inputShape: [3, 32, 3] }), 'swin: images must be at least one patch of 4×4, got 3×32'],
    [() => swin({ depths: [2, 2] }), 'swin: depths and heads must have as many stages, got [2,2] and [3,6,12,24]'],
    [() => swin({ depths: [1], heads: [5] }), 'heads must divide the channels of a stage, got 5 heads and 96 channels'],
    [() => swin({ depths: [], heads: [] }), 'swin: depths must be positive integers, one a stage, got []'],
    [() => swin({ dropPath: 1 }), 'swin: dropPath must be at least 0 and less than 1, got 1'],
    [() => resnet18({ inputShape: [32, 32] as never }), 'inputShape must be [height, width, channels]'],
    [() => resnet18({ inputShape: [32, 32, null] as never }), 'height and width or null for any, got [32,32,null]'],
    [() => resnet18({ stem: 'cifa' as never }), "stem must be 'imagenet' or 'cifar', got cifa; did you mean 'cifar'?"],
    [() => resnet50({ classes: 0 }), 'resnet50: classes must be a positive integer, got 0'],
    [() => resnet50({ depth: 3 } as never), "resnet50: there is no option 'depth'"],
    [() => mobileNetV1({ multiplier: 0 }), 'mobileNetV1: multiplier must be positive, got 0'],
    [() => mobileNetV2({ dropout: -0.1 }), 'mobileNetV2: dropout must be at least 0 and less than 1, got -0.1'],
    [() => efficientNetLite0({ seed: 0.5 }), 'efficientNetLite0: seed must be an integer from 0 to 2^53 - 1, got 0.5'],
    [() => networkInNetwork({ seed: -1 }), 'networkInNetwork: seed must be an integer from 0 to 2^53 / 1000, got -1'],
  ] as const)('refuse what they can not take, %#: $1', (build, message) => {
    expect(build).toThrow(RangeError);
    expect(build).toThrow(message);
  });

  it('leave no tensor behind', async () => {
    const leaked = await leakedTensors(() => {
      const images = tf.zeros([1, 32, 32, 3]);
      const small = { inputShape: [32, 32, 3], classes: 4 } as const;
      for (const model of [
        resnet18({ ...small, width: 4 }),
        vgg19({ ...small, width: 4, head: 'cifar' }),
        deit({ ...small, patch: 8, embed: 12, depth: 1, dropPath: 0.1 }),
        swin({ ...small, patch: 2, embed: 6, depths: [2, 1], heads: [1, 2], window: 3, dropPath: 0.1 }),
      ]) {
        (model.predict(images) as tf.Tensor).dispose();
        model.dispose();
      }
      images.dispose();
    });
    expect(leaked).toBe(0);
  });

  it('name the layers that end a module by it', () => {
    const model = mobileNetV2({ inputShape: [32, 32, 3], multiplier: 0.35, classes: 2, stem: 'cifar' });
    const names = model.layers.map(({ name }) => name);
    expect(names.slice(1, 4)).toEqual(['features.0.0', 'features.0.1', 'features.0']);
    // 8 channels before and after, stride 1: with the stem for CIFAR the second stage has a shortcut at once.
    expect(names).toContain('features.2');
    expect(names.at(-1)).toBe('classifier.1');
    model.dispose();
  });

  it('vgg19 averages maps of more than 7×7 for its ImageNet head', () => {
    tf.tidy(() => {
      const model = vgg19({ inputShape: [256, 224, 3], width: 1, hidden: 2, classes: 2 });
      expect(model.getLayer('features.52').outputShape).toEqual([null, 8, 7, 8]);
      expect(model.getLayer('avgpool').outputShape).toEqual([null, 7, 7, 8]);
      expect((model.predict(tf.zeros([1, 256, 224, 3])) as tf.Tensor).shape).toEqual([1, 2]);
      model.dispose();
    });
  });

  it('dropPath drops whole examples, more of the later blocks, and keeps the mean', () => {
    tf.tidy(() => {
      const model = deit({ inputShape: [8, 8, 3], patch: 4, embed: 4, heads: 1, depth: 3, classes: 2, dropPath: 0.4 });
      const rates = model.layers
        .filter(({ name }) => name.includes('drop_path'))
        .map((layer) => [layer.name, layer.getConfig().rate]);
      // Linearly from 0, which is no layer: 0, 0.2, 0.4.
      expect(rates).toEqual([
        ['blocks.1.drop_path1', 0.2],
        ['blocks.1.drop_path2', 0.2],
        ['blocks.2.drop_path1', 0.4],
        ['blocks.2.drop_path2', 0.4],
      ]);
      const drop = model.getLayer('blocks.2.drop_path2');
      const kept = drop.apply(tf.ones([1000, 5, 4]), { training: true }) as tf.Tensor;
      const examples = tf.unstack(tf.reshape(kept, [1000, 20])).map((each) => new Set(each.dataSync()));
      expect(examples.every((values) => values.size === 1)).toBe(true);
      const values = new Set(examples.flatMap((each) => [...each].map((value) => Number(value.toFixed(4)))));
      expect(values).toEqual(new Set([0, Number((1 / 0.6).toFixed(4))]));
      // 1000 draws: the mean is 1 ± 4 √(.4 / .6 / 1000).
      expect(Math.abs(tf.mean(kept).dataSync()[0]! - 1)).toBeLessThan(0.11);
      model.dispose();
    });
  });
});

describe('the weights that a model starts with', () => {
  interface Moments {
    readonly mean: number;
    readonly deviation: number;
    readonly greatest: number;
    readonly count: number;
  }
  function moments(model: LayersModel): Map<string, Moments> {
    const found = new Map(
      [...pyTorchWeights(model)].map(([name, { values }]) => {
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
        const greatest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        return [name, { mean, deviation: Math.sqrt(variance), greatest, count: values.length }];
      }),
    );
    model.dispose();
    return found;
  }
  /** Standard errors of a standard deviation of n normal numbers: σ / √(2n), of their mean σ / √n; five of them. */
  function expectNormal(got: Moments, deviation: number): void {
    expect(Math.abs(got.deviation - deviation)).toBeLessThan((5 * deviation) / Math.sqrt(2 * got.count));
    expect(Math.abs(got.mean)).toBeLessThan((5 * deviation) / Math.sqrt(got.count));
    // A truncated normal ends at 2 σ; of n normal numbers a few are beyond 3 σ.
    if (got.count > 5000) expect(got.greatest).toBeGreaterThan(3 * deviation);
  }
  function expectUniform(got: Moments, bound: number): void {
    expect(got.greatest).toBeLessThanOrEqual(bound * (1 + 1e-6));
    expect(got.greatest).toBeGreaterThan(bound * (1 - 20 / got.count));
    expect(Math.abs(got.deviation - bound / Math.sqrt(3))).toBeLessThan((3 * bound) / Math.sqrt(got.count));
  }

  it("are torchvision's in ResNets", () => {
    const of = moments(resnet18({ inputShape: [32, 32, 3], width: 32, classes: 100 }));
    expectNormal(of.get('conv1.weight')!, Math.sqrt(2 / (49 * 32)));
    expectNormal(of.get('layer2.0.conv1.weight')!, Math.sqrt(2 / (9 * 64)));
    expectNormal(of.get('layer2.0.downsample.0.weight')!, Math.sqrt(2 / 64));
    expectUniform(of.get('fc.weight')!, 1 / 16);
    expectUniform(of.get('fc.bias')!, 1 / 16);
    for (const [name, { deviation, mean }] of of)
      if (/bn\d|downsample\.1/.test(name)) expect([deviation, mean]).toEqual([0, /weight|var/.test(name) ? 1 : 0]);
  });

  it("are torchvision's in MobileNetV2 and VGG", () => {
    const mobile = moments(mobileNetV2({ inputShape: [32, 32, 3], classes: 100 }));
    expectNormal(mobile.get('features.1.conv.0.0.weight')!, Math.sqrt(2 / (9 * 32)));
    expectNormal(mobile.get('features.17.conv.1.0.weight')!, Math.sqrt(2 / (9 * 960)));
    expectNormal(mobile.get('features.17.conv.2.weight')!, Math.sqrt(2 / 320));
    expectNormal(mobile.get('classifier.1.weight')!, 0.01);
    expect(mobile.get('classifier.1.bias')!.greatest).toBe(0);
    const vgg = moments(vgg19({ inputShape: [32, 32, 3], head: 'cifar', width: 8, classes: 100 }));
    expectNormal(vgg.get('features.49.weight')!, Math.sqrt(2 / (9 * 64)));
    expect(vgg.get('features.49.bias')!.greatest).toBe(0);
    expectNormal(vgg.get('classifier.weight')!, 0.01);
  });

  it("are timm's in MobileNetV1 and EfficientNet-Lite0", () => {
    const mobile = moments(mobileNetV1({ inputShape: [32, 32, 3], multiplier: 0.5, classes: 100 }));
    expectNormal(mobile.get('blocks.3.0.conv_dw.weight')!, Math.sqrt(2 / 9));
    expectNormal(mobile.get('blocks.3.0.conv_pw.weight')!, Math.sqrt(2 / 256));
    expectUniform(mobile.get('classifier.weight')!, 0.1);
    expect(mobile.get('classifier.bias')!.greatest).toBe(0);
    const efficient = moments(efficientNetLite0({ inputShape: [32, 32, 3], classes: 100 }));
    expectNormal(efficient.get('blocks.4.1.conv_dw.weight')!, Math.sqrt(2 / 25));
    expectNormal(efficient.get('conv_head.weight')!, Math.sqrt(2 / 1280));
  });

  it("are timm's in DeiT and torchvision's in Swin", () => {
    const vit = moments(deit({ inputShape: [64, 64, 3], patch: 8, depth: 1, classes: 100 }));
    expectUniform(vit.get('patch_embed.proj.weight')!, 1 / Math.sqrt(192));
    expectNormal(vit.get('cls_token')!, 1e-6);
    expectNormal(vit.get('pos_embed')!, 0.02);
    expectNormal(vit.get('blocks.0.attn.qkv.weight')!, 0.02);
    expect(vit.get('blocks.0.attn.qkv.bias')!.greatest).toBe(0);
    expectNormal(vit.get('blocks.0.mlp.fc2.weight')!, 0.02);
    expect(vit.get('blocks.0.mlp.fc2.bias')!.greatest).toBe(0);
    expectNormal(vit.get('head.weight')!, 0.02);
    const windows = moments(swin({ inputShape: [32, 32, 3], depths: [1, 1], heads: [3, 6], classes: 100 }));
    expectUniform(windows.get('features.0.0.bias')!, 1 / Math.sqrt(48));
    expectNormal(windows.get('features.1.0.attn.relative_position_bias_table')!, 0.02);
    expectNormal(windows.get('features.1.0.mlp.0.bias')!, 1e-6);
    expect(windows.get('features.1.0.attn.proj.bias')!.greatest).toBe(0);
    expectNormal(windows.get('features.2.reduction.weight')!, 0.02);
  });

  it('are the same for the same seed, others for another, and never twice in a model', () => {
    const options = { inputShape: [8, 8, 3], patch: 4, embed: 8, heads: 2, depth: 2, classes: 8 } as const;
    const kernels = (seed?: number) => {
      const model = deit({ ...options, seed });
      const found = pyTorchWeights(model);
      model.dispose();
      return [...found].filter(([name]) => /^(blocks.*|head.)weight$/.test(name) && !name.includes('norm'));
    };
    expect(kernels(3)).toEqual(kernels(3));
    expect(kernels()).toEqual(kernels(0));
    const starts = [...kernels(3), ...kernels(4)].map(([, { values }]) => values.slice(0, 4).join());
    expect(new Set(starts).size).toBe(starts.length);
    expect(starts.length).toBe(18);
  });

  it('are saved as initializers of tfjs, which draw the same distribution', () => {
    const model = resnet18({ inputShape: [8, 8, 3], width: 4, stem: 'cifar', classes: 2, seed: 5 });
    expect(model.getLayer('conv1').getConfig().kernelInitializer).toEqual({
      className: 'RandomNormal',
      config: { mean: 0, stddev: Math.sqrt(2 / 36), seed: undefined },
    });
    expect(model.getLayer('fc').getConfig().biasInitializer).toMatchObject({
      className: 'RandomUniform',
      config: { minval: -1 / Math.sqrt(32), maxval: 1 / Math.sqrt(32) },
    });
    model.dispose();
  });

  it("are the study's in networkInNetwork", () => {
    const build = (rescale: boolean) =>
      networkInNetwork({ inputShape: [8, 8, 3], classes: 3, width: 1, depth: 1, seed: 7, rescale });
    const plain = build(false);
    const rescaled = build(true);
    expect(plain.layers.map(({ name }) => name).slice(0, 3)).toEqual(['input', 'conv1_1_pad', 'conv1_1']);
    expect(rescaled.layers[1]!.name).toBe('to_minus_one_to_one');
    expect(plain.getLayer('conv1_2').getConfig().kernelInitializer).toMatchObject({ config: { seed: 7002 } });
    tf.tidy(() => {
      const images = tf.randomUniform([1, 8, 8, 3], 0, 1, 'float32', 1);
      const [a, b] = [plain.predict(tf.sub(tf.mul(images, 2), 1)), rescaled.predict(images)] as [tf.Tensor, tf.Tensor];
      expect([...a.dataSync()]).toEqual([...b.dataSync()]);
    });
    plain.dispose();
    rescaled.dispose();
  });
});
