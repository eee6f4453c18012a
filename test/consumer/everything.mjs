/** What a stranger does with the packages in a first hour; returns what came of it. */
export async function everything({ tf, tfl, lsq, measures, corruptions, models }) {
  const tensorsBefore = tf.memory().numTensors;
  // Sixty images of three classes: red, green and blue.
  const classes = Array.from({ length: 60 }, (_, i) => i % 3);
  const labels = tf.tidy(() => tf.oneHot(tf.tensor1d(classes, 'int32'), 3));
  const clean = tf.tidy(() => {
    const color = tf.add(tf.mul(tf.cast(labels, 'float32'), 0.6), 0.2);
    return tf.tile(tf.reshape(color, [60, 1, 1, 3]), [1, 8, 8, 1]);
  });

  const noisy = corruptions.corrupt(clean, 'gaussian_noise', { severity: 3, seed: 1, preset: 'cifar-c' });
  const distance = tf.tidy(() => tf.mean(tf.abs(tf.sub(noisy, clean))).dataSync()[0]);

  const kernelInitializer = tfl.initializers.glorotNormal({ seed: 1 });
  const float = tfl.sequential({
    layers: [
      tfl.layers.conv2d({ inputShape: [8, 8, 3], filters: 4, kernelSize: 3, activation: 'relu', kernelInitializer }),
      tfl.layers.flatten(),
      tfl.layers.dense({ units: 3, activation: 'softmax', kernelInitializer }),
    ],
  });
  const quantized = await lsq.quantizeModel(float, { bits: 4 });
  const initial = await measures.snapshot(quantized);
  const optimizer = tf.train.adam(0.02);
  quantized.compile({ optimizer, loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  const { history } = await quantized.fit(noisy, labels, { epochs: 8, batchSize: 12, shuffle: false, verbose: 0 });

  const report = await measures.measureFlatness(quantized, { xs: clean, ys: labels }, { initial, seed: 0 });

  let artifacts;
  await quantized.save(
    tf.io.withSaveHandler(async (saved) => {
      artifacts = saved;
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    }),
  );
  const reloaded = await tfl.loadLayersModel(tf.io.fromMemory(artifacts));
  const same = tf.tidy(
    () => tf.max(tf.abs(tf.sub(quantized.predict(clean), reloaded.predict(clean)))).dataSync()[0] === 0,
  );

  const deit = models.deit({ inputShape: [8, 8, 3], classes: 3, patch: 4, embed: 8, depth: 1, heads: 2 });
  const file = models.writeSafetensors(models.pyTorchWeights(deit));
  const { unused } = models.loadPyTorchWeights(deit, models.readSafetensors(file));
  const logits = tf.tidy(() => deit.predict(clean).shape);

  const flatness = report.measures['sharpness.orig'];
  const result = {
    backend: tf.getBackend(),
    distance,
    accuracy: history.acc.at(-1),
    flatness,
    same,
    unused,
    logits,
    topology: artifacts.modelTopology,
  };
  for (const model of [float, quantized, reloaded, deit]) model.dispose();
  optimizer.dispose();
  for (const tensor of [clean, labels, noisy]) tensor.dispose();
  return { ...result, tensorsBefore, tensorsAfter: tf.memory().numTensors };
}
