import { describe, expect, it } from 'vitest';
import { type NamedFile, openFile } from '../../src/files/named-file';
import { readNpyHeader, readNpyIntegers } from '../../src/files/npy';
import { npy } from './npy-bytes';

const open = (bytes: NamedFile['bytes'], name = 'fog.npy') => openFile('cifarCFiles', { name, bytes });

describe('readNpyHeader', () => {
  it('reads shape, element type and start of the data of versions 1, 2 and 3', async () => {
    for (const version of [1, 2, 3]) {
      const header = await readNpyHeader(await open(npy({ shape: [2, 3], version })));
      expect(header).toMatchObject({ descr: '|u1', shape: [2, 3], itemSize: 1 });
      expect(header.offset % 64).toBe(0);
    }
  });

  it('reads a Blob and a function as it reads bytes', async () => {
    const bytes = npy({ shape: [4] });
    for (const source of [bytes, bytes.buffer, new Blob([bytes]), async () => bytes, async () => new Blob([bytes])])
      expect((await readNpyHeader(await open(source))).shape).toEqual([4]);
  });

  it.each([
    ['is empty', new Uint8Array(0), /^cifarCFiles: fog\.npy: not a NumPy \.npy file/],
    ['is a PNG', new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 0]), /not a NumPy/],
    ['ends within the prefix', npy({ shape: [4] }).slice(0, 9), /truncated after 9 bytes/],
    ['ends within the header', npy({ shape: [4] }).slice(0, 40), /truncated: its header ends at byte/],
    ['ends within the data', npy({ shape: [400] }).slice(0, -1), /needs \d+ bytes, the file has \d+/],
    ['goes on after the data', new Uint8Array([...npy({ shape: [4] }), 0]), /needs \d+ bytes, the file has \d+/],
    ['is in Fortran order', npy({ shape: [2, 2], fortran: true }), /Fortran order/],
    ['holds floats', npy({ shape: [4], descr: '<f4', data: new Uint8Array(16) }), /elements are <f4/],
    ['is big-endian', npy({ shape: [4], descr: '>i4', data: new Uint8Array(16) }), /elements are >i4/],
    ['has an unknown version', npy({ shape: [4], version: 9 }), /version 9/],
    [
      'has no shape',
      npy({ header: "{'descr': '|u1', 'fortran_order': False, }" }),
      /lacks descr, fortran_order or shape/,
    ],
  ])('refuses a file that %s', async (_, bytes, message) => {
    await expect(open(bytes).then(readNpyHeader)).rejects.toThrow(message);
    await expect(open(bytes).then(readNpyHeader)).rejects.toBeInstanceOf(RangeError);
  });

  it('allocates nothing for a shape that the file does not have', async () => {
    const lie = npy({
      shape: [4],
      header: "{'descr': '|u1', 'fortran_order': False, 'shape': (999999999999999, 32, 32, 3), }",
    });
    await expect(open(lie).then(readNpyHeader)).rejects.toThrow(/needs .* bytes, the file has/);
  });
});

describe('readNpyIntegers', () => {
  it.each([
    ['|u1', [1, 255, 3], Uint8Array.of(1, 255, 3)],
    ['|i1', [1, -1, 3], Int8Array.of(1, -1, 3)],
    ['<i4', [1, -70000, 3], Int32Array.of(1, -70000, 3)],
    ['<i8', [1, -2, 99], BigInt64Array.of(1n, -2n, 99n)],
    ['<u2', [1, 65535, 3], Uint16Array.of(1, 65535, 3)],
  ] as const)('reads %s', async (descr, expected, values) => {
    const data = new Uint8Array(values.buffer);
    expect([...(await readNpyIntegers(await open(npy({ shape: [3], descr, data }))))]).toEqual([...expected]);
  });

  it('refuses a number beyond 32 bits, which no class has', async () => {
    const data = new Uint8Array(BigInt64Array.of(1n, 2n ** 32n).buffer);
    await expect(open(npy({ shape: [2], descr: '<i8', data }), 'labels.npy').then(readNpyIntegers)).rejects.toThrow(
      /labels\.npy: it holds 4294967296, which is no class/,
    );
  });

  it('refuses more than one dimension', async () => {
    await expect(open(npy({ shape: [2, 2] }), 'labels.npy').then(readNpyIntegers)).rejects.toThrow(
      /labels\.npy: .*one-dimensional/,
    );
  });
});
