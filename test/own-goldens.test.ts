import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { CORRUPTIONS, PRESETS, VALIDATION_CORRUPTIONS } from '@qgen/corruptions';
import { describe, expect, it } from 'vitest';

/** The repository's own goldens, without what lies beside the clone. */
const folder = `${__ROOT__}/test/goldens`;
const read = (path: string) => JSON.parse(readFileSync(`${folder}/${path}`, 'utf8'));

interface Case {
  readonly id: string;
  readonly variant: string;
  readonly image: string | null;
  readonly corruption: string;
  readonly severity: number;
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly output: string;
}

const presetOf: Readonly<Record<string, string>> = {
  imagenet_c: 'imagenet-c',
  cifar_c: 'cifar-c',
  tiny_c: 'tiny-imagenet-c',
};

describe("the repository's own goldens", () => {
  const { cases } = read('corruptions/index.json') as { cases: readonly Case[] };

  it('hold the published output of every corruption, preset and severity', () => {
    const found = new Set(
      cases.map(({ corruption, variant, severity }) => `${corruption} ${presetOf[variant]} ${severity}`),
    );
    const missing = [...CORRUPTIONS, ...VALIDATION_CORRUPTIONS].flatMap((name) =>
      PRESETS.flatMap((preset) =>
        [1, 2, 3, 4, 5].map((severity) => `${name} ${preset} ${severity}`).filter((each) => !found.has(each)),
      ),
    );
    expect(missing).toEqual([]);
  });

  it('hold every image, random field and output that a case names', () => {
    const missing = cases.flatMap(({ image, fields = {}, output }) =>
      [output, ...(image ? [`images/${image}.png`] : []), ...Object.values(fields)].filter(
        (path) => typeof path === 'string' && !existsSync(`${folder}/corruptions/${path}`),
      ),
    );
    expect(missing).toEqual([]);
    const frost = cases.filter(({ corruption }) => corruption === 'frost');
    expect(frost.every(({ fields }) => fields?.patch_rgb)).toBe(true);
  });

  it('hold images of 32, 64 and 224 pixels, none of a data set', () => {
    const images = readdirSync(`${folder}/corruptions/images`).sort();
    expect(images).toEqual(['cat_32.png', 'cat_57x40.png', 'cup_224.png', 'cup_64.png']);
  });

  it('hold seven trained nets, and what was found on each', () => {
    const float = ['conv-patterns', 'mlp-gaussians', 'mlp-patterns', 'nin-bn-patterns'];
    const quantized = ['conv-int2', 'conv-int4', 'conv-int8'];
    for (const name of [...float, ...quantized, 'official-nin'])
      for (const ending of ['json', 'f32']) expect(existsSync(`${folder}/measures/nets/${name}.${ending}`)).toBe(true);
    const names = (file: string) => Object.keys(read(`measures/${file}`)).filter((name) => name !== 'about');
    expect(names('exact.json').sort()).toEqual(float);
    expect(names('norms.json').sort()).toEqual(float);
    expect(names('scales.json').sort()).toEqual([...quantized, ...float].sort());
  });

  it('say what made each of them', () => {
    const silent = readdirSync(folder).flatMap((area) => {
      const files = readdirSync(`${folder}/${area}`).filter((name) => name.endsWith('.json'));
      const index = files.includes('index.json') ? read(`${area}/index.json`).files : {};
      return files.filter((name) => {
        const { about, made } = read(`${area}/${name}`);
        return !about && !made && !index?.[name];
      });
    });
    expect(silent).toEqual([]);
  });

  it('are 15 MB at most', () => {
    const files = readdirSync(folder, { recursive: true }).map((name) => statSync(`${folder}/${name}`));
    const bytes = files.reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0);
    expect(bytes).toBeLessThan(15e6);
  });
});
