/** Train convolutions on wasm in plain Node: what tfjs lacks there, and what a step costs beside a prediction. */
import { accuracy, digits, smallNetwork, trained } from './shared/digits';

const data = await digits();
const model = smallNetwork();
console.log(`before: ${accuracy(model, data)} of the test digits are right`);

const clock = () => performance.now();
for (let epoch = 1; epoch <= 4; epoch++) {
  const started = clock();
  await trained(model, data, 1);
  const seconds = (clock() - started) / 1000;
  console.log(`epoch ${epoch}: ${accuracy(model, data)} right, ${seconds.toFixed(1)} s for 40 steps of 50 digits`);
}
