import { packedBytes } from '../model/model-size';

/**
 * Packs codes of `bits` bits, each raised by -qn so that it starts at zero, into bytes without gaps: code i lies in bits
 * i·bits to (i+1)·bits - 1, counted from the least significant bit of the first byte (8/bits codes to a byte for 2, 4
 * and 8 bits).
 *
 * @throws RangeError if a code is not an integer from qn to qn + 2^bits - 1
 */
export function packCodes(codes: ArrayLike<number>, bits: number, qn: number): Uint8Array {
  const bytes = new Uint8Array(packedBytes(codes.length, bits));
  let pending = 0;
  let width = 0;
  let next = 0;
  for (let i = 0; i < codes.length; i++) {
    const raised = codes[i] - qn;
    if (!Number.isInteger(raised) || raised < 0 || raised >= 2 ** bits)
      throw new RangeError(`packCodes: code ${codes[i]} at ${i} is not an integer from ${qn} to ${qn + 2 ** bits - 1}`);
    pending |= raised << width;
    for (width += bits; width >= 8; width -= 8) {
      bytes[next++] = pending & 0xff;
      pending >>>= 8;
    }
  }
  if (width > 0) bytes[next] = pending;
  return bytes;
}

/** The `count` codes that `packCodes` packed into `bytes`. */
export function unpackCodes(bytes: Uint8Array, count: number, bits: number, qn: number): Int32Array {
  const codes = new Int32Array(count);
  const mask = 2 ** bits - 1;
  let pending = 0;
  let width = 0;
  let next = 0;
  for (let i = 0; i < count; i++) {
    for (; width < bits; width += 8) pending |= bytes[next++] << width;
    codes[i] = (pending & mask) + qn;
    pending >>>= bits;
    width -= bits;
  }
  return codes;
}
