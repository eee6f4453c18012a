/**
 * Goldens are numbers that the field's reference code produced. The repository's own lie in `test/goldens` and cover
 * everything; where `../shared/goldens` lies beside the clone, more of the same is read from there too.
 */
const folders = [`${__ROOT__}/test/goldens`, `${__ROOT__}/../shared/goldens`];

/** The bytes of a golden file, or undefined where no folder holds it; a `.gz` is unpacked. */
export async function goldenBytes(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  for (const folder of folders) {
    const bytes = await read(`${folder}/${path}`);
    if (bytes) return path.endsWith('.gz') && isGzip(bytes) ? unpacked(bytes) : bytes;
  }
  return undefined;
}

/** A golden JSON file, or undefined where no folder holds it. */
export async function goldenJson<T>(path: string): Promise<T | undefined> {
  const bytes = await goldenBytes(path);
  return bytes && parsed<T>(bytes);
}

/** A golden JSON file of every folder that holds it, the repository's own first. */
export async function goldenJsons<T>(path: string): Promise<readonly T[]> {
  const files = await Promise.all(folders.map((folder) => read(`${folder}/${path}`)));
  return files.flatMap((bytes) => (bytes ? [parsed<T>(bytes)] : []));
}

async function read(file: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (typeof window !== 'undefined') {
    const response = await fetch(`/@fs${file}`);
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
  }
  const { existsSync, readFileSync } = await import('node:fs');
  return existsSync(file) ? new Uint8Array(readFileSync(file)) : undefined;
}

const parsed = <T>(bytes: Uint8Array): T => JSON.parse(new TextDecoder().decode(bytes)) as T;

/** Vite's server says of a `.gz` how it is encoded, and then the browser unpacks it before we see it. */
const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

async function unpacked(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
