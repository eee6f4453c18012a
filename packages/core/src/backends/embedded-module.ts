/** The bytes of a WebAssembly module that a package carries in base64. */
export function wasmBytes(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/**
 * The exports of a module, compiled at once; null where the machine has no such WebAssembly, the page's security policy
 * refuses it, or the browser does not compile that much on this thread.
 */
export function embeddedModule<Exports extends object>(
  bytes: Uint8Array<ArrayBuffer>,
  imports: WebAssembly.Imports = {},
): Exports | null {
  try {
    return new WebAssembly.Instance(new WebAssembly.Module(bytes), imports).exports as Exports;
  } catch {
    return null;
  }
}

/** As `embeddedModule`, compiled off this thread. Never rejects. */
export async function loadEmbeddedModule<Exports extends object>(
  bytes: Uint8Array<ArrayBuffer>,
  imports: WebAssembly.Imports = {},
): Promise<Exports | null> {
  try {
    const { instance } = await WebAssembly.instantiate(bytes, imports);
    return instance.exports as Exports;
  } catch {
    return null;
  }
}
