import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mobileNetV1, pyTorchWeights, resnet18, vgg19, writeSafetensors } from '@qgen/models';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../test/backends';
import { pretrained } from './weights';

let folder: string;
beforeAll(async () => {
  await useBackend('wasm');
  folder = mkdtempSync(join(tmpdir(), 'qgen-weights-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function written(model: LayersModel): string {
  const file = join(folder, 'weights.safetensors');
  writeFileSync(file, writeSafetensors(pyTorchWeights(model)));
  return file;
}

describe('pretrained', () => {
  it.each([
    ['resnet18', () => resnet18({ seed: 1 }), 0.485],
    ['mobileNetV1', () => mobileNetV1({ seed: 1 }), 0.5],
  ])('opens a file of %s by the names of its tensors', (name, build, red) => {
    const given = build();
    const { model, from, mean } = pretrained(written(given));
    expect(model.name).toBe(name);
    expect(from).toContain('weights.safetensors');
    expect(mean[0]).toBe(red);
    const [ours, theirs] = [model, given].map((each) => each.weights.at(-1)!.read().dataSync());
    expect(ours).toEqual(theirs);
    model.dispose();
    given.dispose();
  });

  it('says which names it does not know, and where a file is not there', () => {
    const other = vgg19({ inputShape: [32, 32, 3], head: 'cifar', width: 1 });
    expect(() => pretrained(written(other))).toThrow(
      /no architecture of @qgen\/models has tensors of these names, features.0.weight/,
    );
    other.dispose();
    expect(() => pretrained(join(folder, 'missing.pth'))).toThrow('ENOENT');
  });
});
