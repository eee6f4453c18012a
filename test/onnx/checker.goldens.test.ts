import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportOnnx } from '@qgen/lsq/onnx';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../backends';
import { goldenModels } from './golden-models';

interface Golden {
  readonly model: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly verdict: string;
}

const goldens = JSON.parse(readFileSync(join(__ROOT__, 'test/goldens/onnx/checker.json'), 'utf8')) as {
  readonly checker: string;
  readonly files: readonly Golden[];
};

beforeAll(() => useBackend('cpu'));

describe(`files that the official checker, ${goldens.checker}, has seen`, () => {
  it('are those of every golden model', () => {
    expect(goldens.files.map(({ model }) => model).sort()).toEqual(Object.keys(goldenModels).sort());
  });

  it.each(goldens.files)('$model is byte for byte the one that it found valid', async (golden) => {
    const model = await goldenModels[golden.model]!();
    const { bytes } = await exportOnnx(model);
    expect(bytes.length).toBe(golden.bytes);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(golden.sha256);
    expect(golden.verdict).toBe('valid');
    model.dispose();
  });
});
