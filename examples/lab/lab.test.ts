import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { type Browser, chromium, type Page } from 'playwright';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findChromium } from '../../test/chromium';
import config from './vite.config';

const executablePath = findChromium();
const outDir = mkdtempSync(join(tmpdir(), 'qgen-lab-'));
let server: Server;
let browser: Browser;

/** A web server that knows nothing but files, with the lab in a folder of it. */
function serve(): Server {
  const types: { readonly [extension: string]: string } = {
    '.html': 'text/html',
    '.css': 'text/css',
    '.js': 'text/javascript',
    '.wasm': 'application/wasm',
  };
  return createServer(({ url }, response) => {
    const { pathname } = new URL(url!, 'http://localhost');
    const file = join(outDir, pathname.replace(/^\/some\/folder\//, '').replace(/^$/, 'index.html'));
    if (!pathname.startsWith('/some/folder/') || !existsSync(file)) return response.writeHead(404).end();
    response.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream' });
    response.end(readFileSync(file));
  }).listen(0);
}
const address = (query = '') => `http://localhost:${(server.address() as AddressInfo).port}/some/folder/${query}`;

/** A page of the lab that is ready; anything that it throws fails the test that opened it. */
async function open(query = '', cores?: number): Promise<Page> {
  const page = await browser.newPage();
  if (cores !== undefined)
    await page.addInitScript(
      (cores) => Object.defineProperty(Navigator.prototype, 'hardwareConcurrency', { get: () => cores }),
      cores,
    );
  page.setDefaultTimeout(200_000);
  page.on('pageerror', (error) => {
    throw error;
  });
  await page.goto(address(query));
  await ready(page);
  return page;
}
const text = (page: Page, id: string) => page.locator(`#${id}`).textContent() as Promise<string>;
const status = (page: Page, start: string) =>
  page.waitForFunction((start) => document.getElementById('status')?.textContent?.startsWith(start), start);
const ready = (page: Page) => status(page, 'Ready at step');
const stepOf = async (page: Page) => Number(/step (\d+)/.exec(await text(page, 'status'))?.[1]);
/** The rows of the table, cell by cell. */
const numbers = (page: Page) =>
  page
    .locator('#numbers tbody tr')
    .evaluateAll((rows) => rows.map((row) => [...(row as HTMLTableRowElement).cells].map((cell) => cell.textContent)));
const charts = (page: Page, id: string) =>
  page.locator(`#${id} svg`).evaluateAll((svgs) => svgs.map((svg) => svg.outerHTML));
const labels = (page: Page, id: string) =>
  page.locator(`#${id} svg`).evaluateAll((svgs) => svgs.map((svg) => svg.getAttribute('aria-label') ?? ''));
const upload = (page: Page, id: string, ...files: { name: string; mimeType: string; buffer: Buffer }[]) =>
  page.locator(`#${id}`).setInputFiles(files);
const problem = async (page: Page) => {
  await page.locator('#problem:not([hidden])').waitFor();
  return text(page, 'problem');
};
const json = (name: string, value: unknown) => ({
  name,
  mimeType: 'application/json',
  buffer: Buffer.from(JSON.stringify(value)),
});

/** A black PNG, 1 bit a pixel, so that a huge one is a small file. */
function blackPng(side: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    check.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, check]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header[8] = 1;
  const rows = deflateSync(Buffer.alloc(side * (1 + Math.ceil(side / 8))));
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))]);
}

describe.skipIf(!executablePath)('the lab, built to static files, in Chromium', () => {
  beforeAll(async () => {
    await build({
      ...config,
      configFile: false,
      logLevel: 'error',
      build: { ...config.build, outDir, minify: false },
    });
    server = serve();
    browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
    });
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
    rmSync(outDir, { recursive: true, force: true });
  });

  it('trains four networks in step from the same weights, then measures them on one scale', async () => {
    const page = await open('?steps=60&rows=5');
    // SwiftShader is no GPU worth training on: the lab prefers wasm and says so.
    expect(await text(page, 'machine')).toMatch(/^Backend wasm · [1-4] workers? · the lab's own network, weights 1$/);
    expect((await numbers(page)).map(([bits]) => bits)).toEqual(['32', '8', '4', '2']);
    expect(await text(page, 'gap')).toContain('Press Train');
    expect(await text(page, 'sigma')).toContain('Measured after training');

    await page.click('#train');
    await ready(page);
    expect(await stepOf(page)).toBe(60);
    for (const row of await numbers(page)) {
      const [training, test, gap, right, sigma] = row.slice(1).map((cell) => Number(cell.replace('−', '-')));
      // Of three rounded numbers: |gap − (test − training)| <= 3 · 0.0005.
      expect(Math.abs(gap - (test - training))).toBeLessThanOrEqual(0.0015);
      expect(right).toBeGreaterThan(20);
      expect(sigma).toBeGreaterThan(0);
    }
    for (const id of ['loss', 'gap'])
      expect((await labels(page, id))[0]).toMatch(/at step 60: 32 bits .+, 8 bits .+, 4 bits .+, 2 bits /);
    expect((await labels(page, 'sigma'))[0]).toMatch(/(\d bits [\d.]+ \[[\d.]+, [\d.]+\](, )?){4}$/);
    expect((await labels(page, 'steps'))[0]).toMatch(
      /8 bits( [\d.e-]+){3}, 4 bits( [\d.e-]+){3}, 2 bits( [\d.e-]+){3}$/,
    );

    const tops = await page.locator('#landscapes svg').evaluateAll((all) => all.map((svg) => svg.textContent));
    expect(tops).toHaveLength(4);
    expect(new Set(tops).size).toBe(1);
    expect(tops[0]).toBe(`0${await text(page, 'top')}`);
    expect(await text(page, 'landscape-state')).toBe('at step 60');
    await page.close();
  });

  it('turns all four landscapes at a drag and with the keyboard', async () => {
    const page = await open('?steps=20&rows=3');
    await page.click('#measure');
    await ready(page);
    const all = async (before: readonly string[]) => {
      await expect
        .poll(async () => (await charts(page, 'landscapes')).filter((svg) => before.includes(svg)).length)
        .toBe(0);
      return charts(page, 'landscapes');
    };
    const first = await charts(page, 'landscapes');
    expect(first).toHaveLength(4);
    await page.locator('#turn').focus();
    await page.keyboard.press('ArrowRight');
    const second = await all(first);
    await page.locator('#tilt').focus();
    await page.keyboard.press('ArrowUp');
    const third = await all(second);
    const { x, y } = (await page.locator('#landscapes figure').nth(2).boundingBox())!;
    await page.mouse.move(x + 60, y + 60);
    await page.mouse.down();
    await page.mouse.move(x + 120, y + 80);
    await page.mouse.up();
    await all(third);
    await page.mouse.move(x + 20, y + 20);
    const kept = Number(await page.locator('#turn').inputValue());
    // 60 pixels of 0.6 degrees.
    expect(kept).toBe(36 + 36);
    await page.close();
  });

  it('stops, in training and in measuring, and begins again with new weights', async () => {
    const page = await open('?steps=100000&rows=101');
    await page.click('#train');
    await page.waitForFunction(() => /step \d/.test(document.getElementById('speed')!.textContent!));
    await page.click('#stop');
    await ready(page);
    const stopped = await stepOf(page);
    expect(stopped).toBeGreaterThan(0);
    await page.click('#measure');
    await page.waitForFunction(() => /rows/.test(document.getElementById('landscape-state')!.textContent!));
    await page.click('#stop');
    await ready(page);
    expect(await stepOf(page)).toBe(stopped);
    const before = (await numbers(page)).map(([, training]) => training);
    await page.click('#reset');
    await page.waitForFunction(() => document.getElementById('status')!.textContent === 'Ready at step 0');
    expect(await text(page, 'machine')).toContain('weights 2');
    for (const [i, [, training]] of (await numbers(page)).entries()) expect(training).not.toBe(before[i]);
    await page.close();
  });

  it('shows one distorted picture to all four, a digit or one of the visitor', async () => {
    const page = await open();
    const pixels = (id: string) =>
      page.locator(`#${id}`).evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
    const changed = (id: string, before: string) =>
      page.waitForFunction(
        ([id, old]) => (document.getElementById(id) as HTMLCanvasElement).toDataURL() !== old,
        [id, before],
      );
    const before = await pixels('corrupted');
    const clean = await pixels('clean');
    await page.selectOption('#corruption', 'pixelate');
    await changed('corrupted', before);
    expect(await pixels('clean')).toBe(clean);
    await page.click('#another');
    await changed('clean', clean);
    const digit = await pixels('clean');
    expect(await text(page, 'truth')).toMatch(/^clean, a \d$/);
    expect(await text(page, 'predictions')).toMatch(/32 bits: \d, (right|wrong)/);
    await upload(page, 'picture', { name: 'black.png', mimeType: 'image/png', buffer: blackPng(40) });
    await changed('clean', digit);
    expect(await text(page, 'truth')).toBe('clean');
    expect(await text(page, 'predictions')).not.toMatch(/right|wrong/);
    await page.close();
  });

  it('answers bad files once for all four networks, keeps them, and goes on', async () => {
    const page = await open('?steps=20&rows=3');
    const kept = await numbers(page);
    await upload(page, 'picture', { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no picture') });
    expect(await problem(page)).toBe('notes.txt is no picture that this browser can read; choose a PNG or JPEG');
    const refused = async (message: string, ...files: Parameters<typeof upload>[2][]) => {
      await upload(page, files[0].name === 'huge.png' ? 'picture' : 'model', ...files);
      await expect.poll(() => text(page, 'problem'), { timeout: 60_000 }).toBe(message);
      await ready(page);
    };
    await refused('huge.png has 20000×20000 pixels; at most 8192 a side, make it smaller first', {
      name: 'huge.png',
      mimeType: 'image/png',
      buffer: blackPng(20_000),
    });
    await refused('a model is a model.json and its .bin files; choose them together', {
      name: 'weights.bin',
      mimeType: 'application/octet-stream',
      buffer: Buffer.alloc(4),
    });
    await refused(
      'this is no LayersModel: modelTopology or weightsManifest is missing',
      json('model.json', { hello: 1 }),
    );
    await refused(
      'this is a GraphModel, which cannot be trained; save it as a LayersModel',
      json('model.json', { format: 'graph-model', modelTopology: {}, weightsManifest: [] }),
    );
    await refused(
      'the weights a.bin are missing; choose them together with model.json',
      json('model.json', { modelTopology: {}, weightsManifest: [{ paths: ['a.bin'], weights: [] }] }),
    );
    expect(await numbers(page)).toEqual(kept);
    await page.click('#train');
    await status(page, 'Ready at step 20');
    await page.close();
  });

  it('trains on in the background, where there are no frames, and draws when it is seen again', async () => {
    const page = await browser.newPage();
    await page.addInitScript(() => {
      const frames: FrameRequestCallback[] = [];
      Object.assign(window, { hide: false, frames });
      const request = window.requestAnimationFrame.bind(window);
      window.requestAnimationFrame = (callback) =>
        (window as unknown as { hide: boolean }).hide ? frames.push(callback) : request(callback);
    });
    await page.goto(address('?steps=40&rows=3'));
    await ready(page);
    await page.evaluate(() => Object.assign(window, { hide: true }));
    for (const worker of page.workers())
      await worker.evaluate(() => {
        Object.assign(self, { requestAnimationFrame: () => 0, setTimeout: () => 0 });
      });
    await page.click('#train');
    await expect.poll(() => text(page, 'status'), { timeout: 60_000 }).toBe('Ready at step 40');
    expect(await charts(page, 'loss')).toHaveLength(0);
    // However long it was hidden, one drawing waits for each chart: loss, gap, σ, steps, and 4 in 3 places.
    const waiting = await page.evaluate(() => (window as unknown as { frames: FrameRequestCallback[] }).frames.length);
    expect(waiting).toBe(16);
    await page.evaluate(() => {
      const { frames } = window as unknown as { frames: FrameRequestCallback[] };
      for (const draw of frames.splice(0)) draw(0);
    });
    expect((await labels(page, 'loss'))[0]).toContain('at step 40');
    await page.close();
  });

  it('ends its workers when the visitor leaves in the middle, and works when they come back', async () => {
    const page = await open('?steps=100000');
    const count = page.workers().length;
    await page.click('#train');
    await page.waitForFunction(() => /step \d/.test(document.getElementById('speed')!.textContent!));
    await page.goto('about:blank');
    await expect.poll(() => page.workers()).toHaveLength(0);
    await page.goBack();
    await ready(page);
    expect(page.workers()).toHaveLength(count);
    expect(await page.locator('#problem').isHidden()).toBe(true);
    await page.close();
  });

  it('says so when a worker ends, and does not hang', async () => {
    const page = await open('?steps=100000');
    await page.click('#train');
    await page.workers()[0].evaluate(() => {
      setTimeout(() => {
        throw new Error('out of memory');
      });
    });
    expect(await problem(page)).toMatch(/^A worker ended: .*out of memory\. Reload the page to begin again\.$/);
    await status(page, 'Not running');
    await expect.poll(() => page.workers()).toHaveLength(0);
    for (const id of ['train', 'stop', 'measure', 'reset', 'model', 'picture'])
      expect(await page.locator(`#${id}`).isDisabled()).toBe(true);
    await page.close();
  });

  it('says what is missing when the digits cannot be loaded', async () => {
    const page = await browser.newPage();
    await page.route('**/digits.bin', (route) => route.fulfill({ status: 404 }));
    await page.goto(address());
    expect(await problem(page)).toBe(
      'The digits could not be loaded from /some/folder/digits.bin (404); reload the page',
    );
    await status(page, 'Not running');
    await page.close();
  });

  it('begins again with wasm, from the same weights, when the WebGPU device is lost', async (context) => {
    // One core, so that SwiftShader has one device to compile shaders for.
    const page = await open('?backend=webgpu&examples=20', 1);
    expect(page.workers()).toHaveLength(1);
    if (!(await text(page, 'machine')).startsWith('Backend webgpu')) context.skip('this Chromium offers no WebGPU');
    await page.workers()[0].evaluate(() => {
      const { createCommandEncoder } = GPUDevice.prototype;
      GPUDevice.prototype.createCommandEncoder = function (...args) {
        this.destroy();
        return createCommandEncoder.apply(this, args);
      };
    });
    await page.selectOption('#corruption', 'contrast');
    expect(await problem(page)).toBe(
      'The WebGPU device was lost. The lab begins again with wasm, from the same weights.',
    );
    await ready(page);
    expect(await text(page, 'machine')).toMatch(/^Backend wasm .* weights 1$/);
    await page.close();
  });

  it('fills the page without holes at 360, 768 and 1440 pixels, and cuts nothing off', async () => {
    const page = await open('?steps=40&rows=5');
    await page.click('#train');
    await status(page, 'Ready at step 40');
    for (const width of [360, 768, 1440]) {
      await page.setViewportSize({ width, height: 800 });
      await page.waitForFunction(() =>
        [...document.querySelectorAll('.chart svg')].every(
          (svg) => Math.abs(svg.clientWidth - svg.parentElement!.clientWidth) < 1,
        ),
      );
      const layout = await page.evaluate(() => {
        const gap = 12;
        const main = document.querySelector('main')!.getBoundingClientRect();
        const cards = [...document.querySelectorAll('section')];
        const area = ({ width, height }: DOMRect) => (width + gap) * (height + gap);
        const cut = cards.flatMap((card) => {
          const { left, right, top, bottom } = card.getBoundingClientRect();
          return [...card.querySelectorAll('svg text, h2, p, td, th, figcaption, button, select, input, canvas')]
            .map((part) => ({ part, box: part.getBoundingClientRect() }))
            .filter(({ box }) => box.left < left || box.right > right || box.top < top || box.bottom > bottom)
            .map(({ part }) => `${card.id}: ${part.textContent || part.id}`);
        });
        return {
          overflow: document.documentElement.scrollWidth - innerWidth,
          filled: cards.reduce((sum, card) => sum + area(card.getBoundingClientRect()), 0) / area(main),
          cut,
        };
      });
      expect(layout.overflow).toBe(0);
      expect(layout.filled).toBeCloseTo(1, 3);
      expect(layout.cut).toEqual([]);
    }
    await page.close();
  });

  it('is readable in the dark and in the light, named for screen readers, and still where motion is reduced', async () => {
    const page = await browser.newPage({ reducedMotion: 'no-preference' });
    await page.route('**/digits.bin', () => {});
    await page.goto(address());
    const animation = () =>
      page.locator('#loss .placeholder').evaluate((element) => getComputedStyle(element).animationName);
    expect(await animation()).toBe('waiting');
    await page.emulateMedia({ reducedMotion: 'reduce' });
    expect(await animation()).toBe('none');
    // While the lab starts there is no black square.
    for (const id of ['clean', 'corrupted'])
      expect(await page.locator(`#${id}`).evaluate((canvas) => getComputedStyle(canvas).backgroundColor)).toBe(
        'rgb(244, 245, 247)',
      );

    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      const ratios = await page.evaluate(() => {
        const probe = document.body.appendChild(document.createElement('i'));
        /** Relative luminance, WCAG 2.1. */
        const luminance = (variable: string) => {
          probe.style.color = `var(${variable})`;
          const [r, g, b] = getComputedStyle(probe)
            .color.match(/\d+/g)!
            .map((value) => Number(value) / 255)
            .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const contrast = (a: string, b: string) => {
          const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
          return (high + 0.05) / (low + 0.05);
        };
        return {
          texts: [
            ...['--text', '--soft'].flatMap((ink) => ['--card', '--page'].map((paper) => contrast(ink, paper))),
            contrast('--on-accent', '--accent'),
            contrast('--text', '--problem'),
          ],
          shapes: ['32', '8', '4', '2'].map((bits) => contrast(`--bits-${bits}`, '--card')),
        };
      });
      // WCAG 2.1: 4.5 for text (1.4.3), 3 for graphics (1.4.11).
      for (const ratio of ratios.texts) expect(ratio).toBeGreaterThan(4.5);
      for (const ratio of ratios.shapes) expect(ratio).toBeGreaterThan(3);
    }
    for (const control of await page.locator('button, select, input, progress, canvas').all())
      expect(
        await control.evaluate(
          (element) => (element as HTMLInputElement).labels?.length || element.ariaLabel || element.textContent,
        ),
      ).toBeTruthy();
    await page.close();
  });
});
