/** A file by name, as a folder listing gives it. A Blob (File, or Node's `openAsBlob`) or a function is read on demand. */
export interface NamedFile {
  /** Its path, with / or \ between folders. */
  readonly name: string;
  readonly bytes: Uint8Array | ArrayBuffer | Blob | (() => Promise<Uint8Array | ArrayBuffer | Blob>);
}

/** Random access to the bytes of a file without holding more of a Blob than is asked for. */
export interface OpenFile {
  readonly name: string;
  readonly size: number;
  /** Bytes start to end − 1; both within the file. */
  read(start: number, end: number): Promise<Uint8Array>;
}

export async function openFile({ name, bytes }: NamedFile): Promise<OpenFile> {
  const source = typeof bytes === 'function' ? await bytes() : bytes;
  if (source instanceof Uint8Array || source instanceof ArrayBuffer) {
    const array = source instanceof Uint8Array ? source : new Uint8Array(source);
    return { name, size: array.length, read: async (start, end) => array.subarray(start, end) };
  }
  if (!(source instanceof Blob)) throw new TypeError(`${name}: bytes must be a Uint8Array, an ArrayBuffer or a Blob`);
  return {
    name,
    size: source.size,
    read: async (start, end) => new Uint8Array(await source.slice(start, end).arrayBuffer()),
  };
}
