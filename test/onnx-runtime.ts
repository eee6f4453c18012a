import * as ort from 'onnxruntime-web/wasm';

/** ONNX Runtime on its CPU kernels in WebAssembly, in Node and in a browser, with one thread and without warnings. */
if (typeof window !== 'undefined') ort.env.wasm.wasmPaths = `/@fs${__ROOT__}/node_modules/onnxruntime-web/dist/`;
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

export { ort };
