/**
 * A file by name, as a folder listing gives it. A Blob (File, or Node's `openAsBlob`) or a function is read on demand. A
 * File is taken as it is, too, by its name, which tells no folder.
 */
export interface NamedFile {
  /** Its path, with / or \ between folders. */
  readonly name: string;
  readonly bytes: Uint8Array | ArrayBuffer | Blob | (() => Promise<Uint8Array | ArrayBuffer | Blob>);
}

/** Random access to the bytes of a file without holding more of a Blob than is asked for. */
export interface OpenFile {
  readonly size: number;
  /** Bytes start to end − 1; both within the file. */
  read(start: number, end: number): Promise<Uint8Array>;
  /** The error of a problem with this file, which tells the function that was called and the path. */
  error(problem: string, remedy: string): RangeError;
}

/** Every file of a listing. Throws a TypeError where it is no listing. */
export async function* listed(
  caller: string,
  files: Iterable<NamedFile> | AsyncIterable<NamedFile>,
): AsyncGenerator<NamedFile> {
  if (typeof files !== 'object' || files === null || !(Symbol.iterator in files || Symbol.asyncIterator in files))
    throw new TypeError(
      `${caller}: files must be an iterable of { name, bytes }, got ${files === null ? 'null' : typeof files}`,
    );
  for await (const file of files) {
    if (typeof file?.name !== 'string')
      throw new TypeError(`${caller}: every file must be { name, bytes }, its name a path; got ${shownFile(file)}`);
    yield file;
  }
}

const shownFile = (file: unknown) =>
  typeof file === 'object' && file !== null ? `{ ${Object.keys(file).join(', ')} }` : String(file);

/** The path up to its last part but n − 1, without the separator; and these n last parts. */
export function parted(path: string, n: number): { readonly folder: string; readonly parts: readonly string[] } {
  const all = path.split(/[/\\]/);
  return { folder: all.slice(0, -n).join('/'), parts: all.slice(-n) };
}

export async function openFile(caller: string, file: NamedFile): Promise<OpenFile> {
  const { name, bytes } = file;
  const error = (problem: string, remedy: string) => new RangeError(`${caller}: ${name}: ${problem}; ${remedy}`);
  // A File is a Blob with a name; its own bytes() would read all at once.
  const source = file instanceof Blob ? file : typeof bytes === 'function' ? await bytes() : bytes;
  if (source instanceof Uint8Array || source instanceof ArrayBuffer) {
    const array = source instanceof Uint8Array ? source : new Uint8Array(source);
    return { size: array.length, read: async (start, end) => array.subarray(start, end), error };
  }
  if (!(source instanceof Blob))
    throw new TypeError(
      `${caller}: ${name}: bytes must be a Uint8Array, an ArrayBuffer, a Blob or a function that returns one, got ${source === null ? 'null' : typeof source}`,
    );
  return {
    size: source.size,
    read: async (start, end) => new Uint8Array(await source.slice(start, end).arrayBuffer()),
    error,
  };
}
