import { fault, quoted } from './fault';

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
/** Bytes of the fixed part of each record. */
const SIZES = { [END]: 22, [CENTRAL]: 46, [LOCAL]: 30 } as const;
/** The longest comment after the end record. */
const MAX_COMMENT = 0xffff;

/** Whether a file begins as a zip archive that holds something. */
export const isZip = (bytes: Uint8Array): boolean =>
  bytes.length >= 4 && new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true) === LOCAL;

/**
 * The files of a zip archive whose files are stored without compression, as `torch.save` writes them, by name. They are
 * views of `bytes`. PKWARE's APPNOTE 6.3, sections 4.3 and 4.4.
 *
 * @throws RangeError if the archive is damaged, compressed, encrypted, or of more than 4 GiB or 65,534 files
 */
export function storedFiles(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const record = (signature: keyof typeof SIZES, at: number, what: string): number => {
    const size = SIZES[signature];
    if (at + size > bytes.length || view.getUint32(at, true) !== signature)
      throw fault(`the archive has no ${what} at byte ${at}; the file is damaged or cut off`);
    return at;
  };

  const end = endRecord(view);
  const count = view.getUint16(end + 10, true);
  const directory = view.getUint32(end + 16, true);
  if (count === 0xffff || directory === 0xffffffff) throw fault('the archive has more than 4 GiB or 65,534 files');

  const files = new Map<string, Uint8Array>();
  let at = directory;
  for (let i = 0; i < count; i++) {
    record(CENTRAL, at, 'entry');
    const length = view.getUint16(at + 28, true);
    const next = at + SIZES[CENTRAL] + length + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > end) throw fault('the directory of the archive runs into its end; the file is damaged');
    const name = new TextDecoder().decode(bytes.subarray(at + SIZES[CENTRAL], at + SIZES[CENTRAL] + length));
    if (files.has(name)) throw fault(`the archive has ${quoted(name)} twice`);
    const encrypted = (view.getUint16(at + 8, true) & 1) === 1;
    const stored = view.getUint16(at + 10, true) === 0;
    const size = view.getUint32(at + 24, true);
    if (encrypted || !stored || view.getUint32(at + 20, true) !== size || size === 0xffffffff)
      throw fault(
        `${quoted(name)} in the archive is compressed, encrypted or of 4 GiB, which torch.save does not write`,
      );
    const local = record(LOCAL, view.getUint32(at + 42, true), 'file');
    const data = local + SIZES[LOCAL] + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    if (data + size > directory) throw fault(`${quoted(name)} in the archive runs into its directory; it is damaged`);
    files.set(name, bytes.subarray(data, data + size));
    at = next;
  }
  return files;
}

/** Where the end record begins: the last place with its signature, before a comment that fills the rest. */
function endRecord(view: DataView): number {
  const size = SIZES[END];
  const last = view.byteLength - size;
  for (let at = last; at >= Math.max(0, last - MAX_COMMENT); at--)
    if (view.getUint32(at, true) === END && view.getUint16(at + 20, true) === last - at) return at;
  throw fault('the archive has no end record; the file is cut off');
}
