/**
 * Goldens are numbers that the field's reference code produced. They lie in `../shared/goldens` beside the clone; the
 * small part that the tests can't do without is copied to `test/goldens` under the same names.
 */
const folders = [`${__ROOT__}/../shared/goldens`, `${__ROOT__}/test/goldens`];

/** The bytes of a golden file, or undefined where neither folder holds it. */
export async function goldenBytes(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  for (const folder of folders) {
    if (typeof window !== 'undefined') {
      const response = await fetch(`/@fs${folder}/${path}`);
      if (response.ok) return new Uint8Array(await response.arrayBuffer());
    } else {
      const { existsSync, readFileSync } = await import('node:fs');
      if (existsSync(`${folder}/${path}`)) return new Uint8Array(readFileSync(`${folder}/${path}`));
    }
  }
  return undefined;
}

/** A golden JSON file, or undefined where it is not at hand. */
export async function goldenJson<T>(path: string): Promise<T | undefined> {
  const bytes = await goldenBytes(path);
  return bytes && (JSON.parse(new TextDecoder().decode(bytes)) as T);
}
