import { fault } from './fault';

/** The bytes of a pickle, read one value after the other. */
export interface PickleReader {
  /** Where the next value begins. */
  position(): number;
  /** The next `size` bytes. */
  bytes(size: number): Uint8Array;
  uint8(): number;
  uint16(): number;
  uint32(): number;
  int32(): number;
  /** The one number of a pickle that has its highest byte first. */
  float64(): number;
  /** A string in UTF-8 of `size` bytes. */
  text(size: number): string;
  /** A string up to the end of its line. */
  line(): string;
  /** Throws a RangeError that says what the operation just read does. */
  refuse(what: string): never;
}

/** @throws RangeError where a value does not end within `source`, and on a string that is no UTF-8 */
export function pickleReader(source: Uint8Array, start: number): PickleReader {
  const view = new DataView(source.buffer, source.byteOffset, source.length);
  let at = start;
  /** The place of the next `size` bytes, which are behind `at` afterwards. */
  const take = (size: number): number => {
    if (size > source.length - at)
      throw fault(`the pickle ends after ${source.length} bytes, in the middle of a value`);
    at += size;
    return at - size;
  };
  const text = (size: number): string => {
    const from = take(size);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(source.subarray(from, at));
    } catch {
      throw fault(`the pickle has a string at byte ${from} that is no UTF-8`);
    }
  };
  return {
    position: () => at,
    bytes: (size) => source.subarray(take(size), at),
    uint8: () => view.getUint8(take(1)),
    uint16: () => view.getUint16(take(2), true),
    uint32: () => view.getUint32(take(4), true),
    int32: () => view.getInt32(take(4), true),
    float64: () => view.getFloat64(take(8)),
    text,
    line() {
      const end = source.indexOf(0x0a, at);
      if (end < 0) throw fault('the pickle ends in the middle of a name');
      const read = text(end - at);
      take(1);
      return read;
    },
    refuse(what) {
      throw fault(`the pickle ${what}, at byte ${at - 1}`);
    },
  };
}
