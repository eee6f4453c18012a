import { create, globals } from 'webgpu';

// Dawn as `navigator.gpu`, which is all that tfjs-backend-webgpu asks of its surroundings.
Object.assign(globalThis, globals);
Object.defineProperty(globalThis, 'navigator', { value: { gpu: create([]), userAgent: 'node' }, configurable: true });
