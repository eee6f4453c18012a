import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CORRUPTIONS, VALIDATION_CORRUPTIONS } from '@qgen/corruptions';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

describe('npm run gallery', { timeout: 120_000 }, () => {
  let out: string;
  beforeAll(() => {
    out = mkdtempSync(join(tmpdir(), 'gallery-'));
  });
  afterAll(() => rmSync(out, { recursive: true }));

  const gallery = (...args: readonly string[]) =>
    spawnSync(
      process.execPath,
      [
        '--conditions=@qgen/source',
        '--import',
        'tsx',
        'examples/tools/gallery.ts',
        '--out',
        join(out, 'page'),
        ...args,
      ],
      { cwd: __ROOT__, encoding: 'utf8' },
    );

  it('writes one page with every corruption at every severity, on both images, that loads nothing from elsewhere', () => {
    const { status, stderr } = gallery('--seed', '3');
    expect(status, stderr).toBe(0);
    const page = readFileSync(join(out, 'page', 'index.html'), 'utf8');
    for (const name of [...CORRUPTIONS, ...VALIDATION_CORRUPTIONS]) {
      const section = page.split(`<section class="row" id="${name}">`)[1].split('</section>')[0];
      const images = [...section.matchAll(/<img[^>]* src="data:image\/(webp|png);base64,([^"]+)"/g)];
      expect(images.map(([, type]) => type)).toEqual(Array(5).fill(['webp', 'png']).flat());
      expect(new Set(images.map(([, , data]) => data)).size).toBeGreaterThanOrEqual(9);
    }
    expect(page).not.toMatch(/(src|href)="(?!data:|#)/);
  });

  it('takes its small image from CIFAR-10, and says what is wrong with it', () => {
    writeFileSync(join(out, 'test_batch.bin'), new Uint8Array(3073 * 2).fill(90));
    expect(gallery('--data', join(out, 'nowhere')).stderr).toMatch(/gallery: --data: .* holds no test_batch\.bin/);
    const beyond = gallery('--data', out, '--index', '2');
    expect(beyond.status).toBe(2);
    expect(beyond.stderr).toMatch(/gallery: --index must be below 2, the number of test images, got 2/);
    writeFileSync(join(out, 'test_batch.bin'), new Uint8Array(100));
    expect(gallery('--data', out).stderr).toMatch(/test_batch\.bin has 100 bytes, no multiple of 3073; fetch it again/);
  });

  it('answers a wrong option in one line, with exit code 2', () => {
    for (const [args, message] of [
      [['--sede', '3'], /^gallery: Unknown option '--sede'/m],
      [['--seed', '1.5'], /^gallery: --seed must be an integer from 0, got '1.5'/m],
      [['--photo', join(out, 'none.jpg')], /^gallery: --photo: .*none\.jpg can't be read/m],
    ] as const) {
      const { status, stderr } = gallery(...args);
      expect(status).toBe(2);
      expect(stderr).toMatch(message);
    }
  });
});
