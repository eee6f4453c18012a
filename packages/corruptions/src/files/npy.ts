import type { OpenFile } from './named-file';

/** The header of a NumPy array file: element type (as '|u1'), shape, and where the data starts. */
export interface NpyHeader {
  readonly descr: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly itemSize: number;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const PREFIX = 12;

/**
 * Reads the header of a `.npy` file (format versions 1 to 3, numpy.lib.format) and checks that the file holds exactly
 * the data that it announces, so that nothing is ever allocated for a size that the file doesn't have.
 *
 * Throws a RangeError for a file that is no .npy, is truncated or too long, is in Fortran order, or holds elements that
 * are not integers of 1 to 8 little-endian bytes.
 */
export async function readNpyHeader(file: OpenFile): Promise<NpyHeader> {
  const fail = (problem: string, remedy = 'fetch it again') => file.error(problem, remedy);
  const start = await file.read(0, Math.min(PREFIX, file.size));
  if (MAGIC.some((byte, i) => start[i] !== byte)) throw fail('not a NumPy .npy file', 'give the published .npy');
  if (start.length < PREFIX) throw fail(`truncated after ${file.size} bytes`);
  const version = start[6];
  if (version < 1 || version > 3) throw fail(`.npy version ${version} is unknown`, 'save it as version 1, 2 or 3');
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const lengthBytes = version === 1 ? 2 : 4;
  const offset = 8 + lengthBytes + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (offset > file.size) throw fail(`truncated: its header ends at byte ${offset}, the file at ${file.size}`);

  const header = new TextDecoder().decode(await file.read(8 + lengthBytes, offset));
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const dimensions = /'shape'\s*:\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  if (descr === undefined || order === undefined || dimensions === undefined)
    throw fail('its .npy header lacks descr, fortran_order or shape');
  if (order === 'True') throw fail('it is in Fortran order', 'save it in C order');
  const itemSize = Number(/^[|<][iu]([1248])$/.exec(descr)?.[1]);
  if (!itemSize) throw fail(`its elements are ${descr}`, 'save it as little-endian integers, images as uint8');

  const shape = dimensions.split(',').flatMap((text) => (text.trim() === '' ? [] : [Number(text)]));
  const expected = offset + itemSize * shape.reduce((product, n) => product * n, 1);
  if (expected !== file.size)
    throw fail(`shape (${shape.join(', ')}) of ${descr} needs ${expected} bytes, the file has ${file.size}`);
  return { descr, shape, offset, itemSize };
}

/** The elements of a one-dimensional integer array. */
export async function readNpyIntegers(file: OpenFile): Promise<Int32Array> {
  const { descr, shape, offset, itemSize } = await readNpyHeader(file);
  if (shape.length !== 1) throw file.error(`shape (${shape.join(', ')}) is not one-dimensional`, 'give labels.npy');
  const bytes = await file.read(offset, file.size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const signed = descr[1] === 'i';
  const element = {
    1: (at: number) => (signed ? view.getInt8(at) : view.getUint8(at)),
    2: (at: number) => (signed ? view.getInt16(at, true) : view.getUint16(at, true)),
    4: (at: number) => (signed ? view.getInt32(at, true) : view.getUint32(at, true)),
    8: (at: number) => Number(signed ? view.getBigInt64(at, true) : view.getBigUint64(at, true)),
  }[itemSize as 1 | 2 | 4 | 8];
  return Int32Array.from({ length: shape[0] }, (_, i) => {
    const value = element(i * itemSize);
    if ((value | 0) !== value) throw file.error(`it holds ${value}, which is no class`, 'give labels.npy');
    return value;
  });
}
