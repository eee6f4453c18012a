import { describe, expect, it } from 'vitest';
import { useBackend } from '../../../../test/backends';

/** Whether the SIMD module starts in a frame whose content security policy allows the scripts `allowed`. */
async function startsUnder(allowed: string): Promise<unknown> {
  const source = new URL('../../src/backends/simd-module.ts', import.meta.url).pathname;
  const frame = document.createElement('iframe');
  frame.srcdoc = `
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self' 'nonce-test' ${allowed}">
    <script type="module" nonce="test">
      import { simdModule, loadSimd } from '${source}';
      // The page's own memory: under this policy tfjs-backend-wasm would not start either.
      const backend = { wasm: { asm: { memory: new WebAssembly.Memory({ initial: 1, maximum: 65536 }) } } };
      const atOnce = simdModule(backend) !== undefined;
      await loadSimd(backend);
      parent.postMessage({ atOnce, awaited: simdModule(backend) !== undefined });
    </script>`;
  const answer = new Promise((resolve) => {
    window.addEventListener('message', ({ source, data }) => source === frame.contentWindow && resolve(data));
  });
  document.body.append(frame);
  const data = await answer;
  frame.remove();
  return data;
}

describe('the SIMD module on a page', () => {
  it('starts on the main thread, over the memory of tfjs-backend-wasm', async () => {
    await useBackend('wasm');
    const { backend } = await import('@tensorflow/tfjs-core');
    const { simdModule } = await import('../../src/backends/simd-module');
    expect(simdModule(backend() as unknown as Parameters<typeof simdModule>[0])).toBeDefined();
  });

  it("starts under a strict policy that allows WebAssembly, without 'unsafe-eval', data: or blob:", async () => {
    expect(await startsUnder("'wasm-unsafe-eval'")).toEqual({ atOnce: true, awaited: true });
  });

  it('is left out without an error under a policy that refuses WebAssembly', async () => {
    expect(await startsUnder('')).toEqual({ atOnce: false, awaited: false });
  });
});
