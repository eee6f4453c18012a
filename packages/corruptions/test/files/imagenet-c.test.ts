import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { leakedTensors, useBackend } from '../../../../test/backends';
import { type DecodedImage, imageNetCFolder } from '../../src/files/imagenet-c';

/** A "file" of one byte v decodes to a 2×2 image of red v, green 2, blue 3, alpha 255. */
const decode = (bytes: Uint8Array): DecodedImage => ({
  width: 2,
  height: 2,
  data: Uint8ClampedArray.from({ length: 16 }, (_, i) => [bytes[0], 2, 3, 255][i % 4]),
});
const file = (name: string, value = 1) => ({ name, bytes: async () => Uint8Array.of(value) });
const folder = [
  file('ImageNet-C/fog/2/n02/b.JPEG', 30),
  file('ImageNet-C/fog/2/n01/a.JPEG', 10),
  file('ImageNet-C/fog/2/n02/a.JPEG', 20),
  file('ImageNet-C/fog/3/n03/a.JPEG', 40),
  file('ImageNet-C\\snow\\2\\n01\\a.JPEG', 50),
  file('ImageNet-C/fog/2/n01/.DS_Store'),
  file('ImageNet-C/README.md'),
  file('ImageNet-C/sunshine/2/n01/a.JPEG'),
];

async function read(data: Awaited<ReturnType<typeof imageNetCFolder>>, batchSize = 2) {
  const seen: [number, number][] = [];
  for await (const { xs, ys } of data.batches('fog', 2, batchSize)) {
    expect(xs.shape.slice(1)).toEqual([2, 2, 3]);
    const reds = tf.tidy(() => tf.slice(xs, [0, 0, 0, 0], [-1, 1, 1, 1]).dataSync());
    for (const [i, red] of reds.entries()) seen.push([red, (ys as Int32Array)[i]]);
    xs.dispose();
  }
  return seen;
}

describe('imageNetCFolder', () => {
  beforeAll(() => useBackend('cpu'));

  it('reads images in the order of their names, with the class folders numbered by name', async () => {
    const data = await imageNetCFolder(folder, { decode });
    expect(data).toMatchObject({ preset: 'imagenet-c', corruptions: ['snow', 'fog'], severities: [2, 3] });
    for (const batchSize of [1, 2, 5])
      expect(await read(data, batchSize)).toEqual([
        [10, 0],
        [20, 1],
        [30, 1],
      ]);
  });

  it('numbers the classes as told', async () => {
    const data = await imageNetCFolder(folder, { decode, classes: ['n00', 'n03', 'n02', 'n01'] });
    expect((await read(data)).map(([, label]) => label)).toEqual([3, 2, 2]);
    await expect(imageNetCFolder(folder, { decode, classes: ['n01', 'n02'] })).rejects.toThrow(
      /class n03, which classes/,
    );
  });

  it('opens no file before its batch is asked for, and keeps no tensor', async () => {
    const never = { name: 'fog/5/n01/a.JPEG', bytes: () => Promise.reject(new Error('opened')) };
    const data = await imageNetCFolder([...folder, never], { decode });
    expect(await leakedTensors(() => read(data))).toBe(0);
    await expect(data.batches('fog', 5, 1)[Symbol.asyncIterator]().next()).rejects.toThrow(/opened/);
  });

  it('refuses a second data set and a file that is given twice', async () => {
    await expect(imageNetCFolder([...folder, file('Tiny-ImageNet-C/fog/2/n01/z.JPEG')], { decode })).rejects.toThrow(
      /^imageNetCFolder: ImageNet-C\/fog\/2\/n02\/b.JPEG and Tiny-ImageNet-C\/fog\/2\/n01\/z.JPEG lie in two data sets/,
    );
    await expect(imageNetCFolder([...folder, folder[1]], { decode })).rejects.toThrow(/n01\/a\.JPEG is given twice/);
    const parts = [file('weather/fog/2/n01/a.JPEG'), file('noise/shot_noise/2/n01/a.JPEG')];
    expect((await imageNetCFolder(parts, { decode })).corruptions).toEqual(['shot_noise', 'fog']);
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['no options', () => imageNetCFolder(folder, undefined as never), /decode must be a function/],
    ['no decoder', () => imageNetCFolder(folder, {} as never), /decode must be a function .* got undefined/],
    [
      'a misspelt option',
      () => imageNetCFolder(folder, { decode, clases: [] } as never),
      /no option 'clases'; did you mean/,
    ],
    ['an unknown preset', () => imageNetCFolder(folder, { decode, preset: 'x' } as never), /preset must be/],
    ['classes that are no names', () => imageNetCFolder(folder, { decode, classes: [1] } as never), /classes must be/],
    ['a class twice', () => imageNetCFolder(folder, { decode, classes: ['a', 'a'] }), /classes has a twice/],
    ['files that are none', () => imageNetCFolder(null as never, { decode }), /files must be an iterable/],
    ['no files', () => imageNetCFolder([], { decode }), /no file lies in corruption/],
    [
      'numbers for bytes',
      () =>
        imageNetCFolder(folder, { decode: () => ({ width: 2, height: 2, data: [1] }) as never }).then((data) =>
          read(data),
        ),
      /decode gave no \{ width, height, data \} with data of bytes/,
    ],
    [
      'nothing decoded',
      () => imageNetCFolder(folder, { decode: () => undefined as never }).then((data) => read(data)),
      /decode gave no/,
    ],
  ])('refuses %s', async (_, call, message) => {
    await expect(call()).rejects.toThrow(message);
    await expect(call()).rejects.toThrow(/^imageNetCFolder: /);
  });

  it.each([
    ['a folder of another layout', [file('a/b.png')], decode, /no file lies in corruption\/severity\/class/],
    ['an empty file', [{ name: 'fog/2/n01/a.png', bytes: new Uint8Array(0) }], decode, /a\.png: the file is empty/],
    [
      'a file that does not decode',
      folder,
      () => {
        throw new Error('bad marker');
      },
      /n01\/a\.JPEG: it does not decode \(bad marker\)/,
    ],
    [
      'a decoder that drops pixels',
      folder,
      () => ({ width: 2, height: 2, data: new Uint8Array(5) }),
      /gave 5 values for 2×2/,
    ],
    [
      'images of several sizes',
      folder,
      (bytes: Uint8Array) => ({ width: bytes[0], height: 1, data: new Uint8Array(3 * bytes[0]) }),
      /20×1×3, but .* is 10×1×3; let decode resize/,
    ],
  ])('refuses %s', async (_, given, decoder, message) => {
    const reading = imageNetCFolder(given, { decode: decoder }).then((data) => read(data));
    await expect(reading).rejects.toThrow(message);
    await expect(imageNetCFolder(given, { decode: decoder }).then((data) => read(data))).rejects.toBeInstanceOf(
      RangeError,
    );
  });
});
