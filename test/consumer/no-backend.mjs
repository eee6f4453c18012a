import { corrupt } from '@qgen/corruptions';
import '@qgen/lsq';
import '@qgen/measures';
import { networkInNetwork } from '@qgen/models';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';

const attempts = {
  corrupt: () => corrupt(tf.zeros([8, 8, 3]), 'brightness', { severity: 1 }),
  networkInNetwork: () => networkInNetwork(),
  model: () => tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [2] })] }),
};
const messages = {};
for (const [name, attempt] of Object.entries(attempts))
  try {
    attempt();
  } catch (error) {
    messages[name] = error.message;
  }
await tf.ready().catch((error) => {
  messages.ready = error.message;
});
console.log(JSON.stringify(messages));
