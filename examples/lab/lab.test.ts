import { crc32, deflateSync } from 'node:zlib';
import { type Browser, chromium, type Page } from 'playwright';
import { createServer, type ViteDevServer } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findChromium } from '../../test/chromium';

const executablePath = findChromium();
let server: ViteDevServer;
let browser: Browser;

async function open(query = ''): Promise<Page> {
  const page = await browser.newPage();
  page.setDefaultTimeout(200_000);
  await page.goto(server.resolvedUrls!.local[0] + query);
  await page.waitForFunction(() => document.getElementById('status')?.textContent?.startsWith('Backend'));
  return page;
}
const text = (page: Page, id: string) => page.locator(`#${id}`).textContent() as Promise<string>;
const stepOf = async (page: Page) => Number(/step (\d+)/.exec(await text(page, 'status'))?.[1]);
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

describe.skipIf(!executablePath)('the lab in Chromium', () => {
  beforeAll(async () => {
    server = await createServer({
      configFile: `${__ROOT__}/examples/lab/vite.config.ts`,
      logLevel: 'error',
      server: { port: 0, open: false },
    });
    await server.listen();
    browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
    });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  it('trains, switches bits under way, stops, and shows loss, gap, steps, bins and the backend', async () => {
    const page = await open();
    // SwiftShader is no GPU worth training on: the lab prefers wasm and says so.
    expect(await text(page, 'status')).toMatch(/^Backend wasm · 32 \(float\) bits · step 0 · waiting/);
    expect(await text(page, 'steps')).toContain('In float there are no steps');
    await page.click('#train');
    await page.waitForFunction(
      () => Number(/step (\d+)/.exec(document.getElementById('status')!.textContent!)?.[1]) >= 60,
    );
    expect(await text(page, 'numbers')).toMatch(/training \d\.\d+ · test \d\.\d+ · gap -?\d\.\d+ · [\d.]+ % right/);

    await page.locator('#bits').focus();
    await page.keyboard.press('End');
    await page.waitForFunction(() => document.getElementById('status')!.textContent!.includes('· 2 bits ·'));
    await page.waitForFunction(() => document.querySelectorAll('#steps svg rect').length >= 3);
    expect(await text(page, 'bits-value')).toBe('2');

    await page.click('#stop');
    await page.waitForFunction(() => document.getElementById('status')!.textContent!.includes('waiting'));
    const stopped = await stepOf(page);
    await page.waitForTimeout(500);
    expect(await stepOf(page)).toBe(stopped);
    await page.close();
  });

  it('distorts the picture it is asked to, and takes one of the visitor', async () => {
    const page = await open();
    const pixels = (id: string) =>
      page.locator(`#${id}`).evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
    const before = await pixels('corrupted');
    await page.selectOption('#corruption', 'pixelate');
    await page.waitForFunction(
      (old) => (document.getElementById('corrupted') as HTMLCanvasElement).toDataURL() !== old,
      before,
    );
    const clean = await pixels('clean');
    await upload(page, 'picture', { name: 'black.png', mimeType: 'image/png', buffer: blackPng(40) });
    await page.waitForFunction(
      (old) => (document.getElementById('clean') as HTMLCanvasElement).toDataURL() !== old,
      clean,
    );
    await page.close();
  });

  it('draws a landscape that the arrow keys turn', async () => {
    const page = await open();
    await page.click('#draw');
    await page.waitForFunction(() => document.getElementById('landscape-state')!.textContent === '15 of 15 rows');
    const shown = () =>
      page.locator('#landscape canvas').evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
    const before = await shown();
    await page.locator('#landscape').focus();
    await page.keyboard.press('ArrowLeft');
    expect(await shown()).not.toBe(before);
    await page.close();
  });

  it('answers bad files on the page and goes on', async () => {
    const page = await open();
    await upload(page, 'picture', { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no picture') });
    expect(await problem(page)).toBe('notes.txt is no picture that this browser can read; choose a PNG or JPEG');
    await upload(page, 'picture', { name: 'huge.png', mimeType: 'image/png', buffer: blackPng(20_000) });
    await expect
      .poll(() => text(page, 'problem'), { timeout: 60_000 })
      .toContain('huge.png has 20000×20000 pixels; at most 8192 a side');
    await upload(page, 'model', json('model.json', { hello: 1 }));
    await expect.poll(() => text(page, 'problem'), { timeout: 60_000 }).toContain('this is no LayersModel');
    await upload(page, 'model', json('model.json', { format: 'graph-model', modelTopology: {}, weightsManifest: [] }));
    await expect.poll(() => text(page, 'problem'), { timeout: 60_000 }).toContain('this is a GraphModel');
    await page.click('#train');
    await page.waitForFunction(
      () => Number(/step (\d+)/.exec(document.getElementById('status')!.textContent!)?.[1]) > 0,
    );
    await page.close();
  });

  it('goes on with wasm when the WebGPU device is lost', async (context) => {
    const page = await open('?backend=webgpu');
    if (!(await text(page, 'status')).startsWith('Backend webgpu')) context.skip('this Chromium offers no WebGPU');
    await page.workers()[0].evaluate(() => {
      const { createCommandEncoder } = GPUDevice.prototype;
      GPUDevice.prototype.createCommandEncoder = function (...args) {
        this.destroy();
        return createCommandEncoder.apply(this, args);
      };
    });
    await page.selectOption('#corruption', 'contrast');
    expect(await problem(page)).toContain('The WebGPU device was lost. The lab goes on with wasm');
    await page.waitForFunction(() => document.getElementById('status')!.textContent!.startsWith('Backend wasm'));
    await page.close();
  });
});
