import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { useBackend } from '../../test/backends';
import { quantizeUpscaler } from './super-resolution';

it('a pretrained model from npm at 4 bits: an eighth of the size, and nearer to the float model once trained', {
  timeout: 240_000,
}, async (context) => {
  if (!existsSync(join(__ROOT__, 'node_modules/@upscalerjs/default-model')))
    context.skip('@upscalerjs/default-model is not installed');
  await useBackend('wasm');
  const out = mkdtempSync(join(tmpdir(), 'float-to-4-bits-'));
  const [bilinear, float, start, trained, loaded] = await quantizeUpscaler({ steps: 3, out });
  expect(float!.toPhoto).toBeGreaterThan(bilinear!.toPhoto + 1);
  expect(start!.bytes).toBeLessThan(float!.bytes / 7);
  expect(trained!.toFloat).toBeGreaterThan(start!.toFloat + 1);
  expect(loaded!.toFloat).toBe(trained!.toFloat);
  expect(loaded!.bytes).toBe(readFileSync(join(out, 'weights.bin')).length);
  rmSync(out, { recursive: true });
});
