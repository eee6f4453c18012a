/**
 * Take a model into the world: train a small network at 4 bits, export it to ONNX, run it in ONNX Runtime, and see that it
 * is the same model.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { modelSize, quantizeModel } from '@qgen/lsq';
import { exportOnnx, verifyOnnx } from '@qgen/lsq/onnx';
import * as ort from 'onnxruntime-web/wasm';
import { accuracy, digits, smallNetwork, trained } from './shared/digits';

ort.env.logLevel = 'error';
ort.env.wasm.numThreads = 1;

const data = await digits();
const float = await trained(smallNetwork(), data, 4);
const quantized = await trained(await quantizeModel(float, { bits: 4, activations: 8 }), data, 2, 0.001);

const { bytes, sessionOptions } = await exportOnnx(quantized);
const folder = 'results/onnx';
mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}/model.onnx`, bytes);

const report = await verifyOnnx(quantized, data.test.xs, { bytes, ort, sessionOptions });
const [{ maxDifference, meanDifference, top1Agreement }] = report.outputs as [(typeof report.outputs)[0]];
const { total, differentCodes, differentSteps } = report.kernels;
console.log(`accuracy: ${accuracy(quantized, data)} at 4 bits, ${accuracy(float, data)} in float`);
console.log(
  `${report.examples} digits in tfjs and in ONNX Runtime: probabilities differ by ${maxDifference.toExponential(1)} at most,`,
);
console.log(`  ${meanDifference.toExponential(1)} in the mean; the same digit in ${100 * top1Agreement!} %`);
console.log(
  `kernels: ${total - differentCodes.length} of ${total} with their codes, ${total - differentSteps.length} with their steps`,
);
for (const { layer, values, differing, largest } of report.activations)
  console.log(
    `what goes into ${layer}: ${values} codes, ${(100 * differing).toFixed(4)} % differ, by ${largest} at most`,
  );
const { floatBytes, quantizedBytes } = modelSize(quantized);
console.log(`bytes: ${floatBytes} of float weights, ${quantizedBytes} packed, ${bytes.length} in ${folder}/model.onnx`);
