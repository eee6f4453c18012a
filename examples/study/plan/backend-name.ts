export const BACKENDS = ['cpu', 'wasm', 'webgpu', 'node', 'node-gpu'] as const;
export type Backend = (typeof BACKENDS)[number];
