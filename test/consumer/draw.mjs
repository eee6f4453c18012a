/** Three pictures of plain data and of a small model, with the entries of the packages that draw. */
export async function draw({ tfl, lsq, measuresPlots, lsqPlots, corruptionsPlots }) {
  const search = {
    trace: [{ scale: 0.1, drop: 0.1 }],
    target: 0.1,
    value: 0.1,
    ci95: [0.09, 0.11],
    status: 'converged',
  };
  const estimate = { loss: 1, lossStandardError: 0.1 };
  const report = { clean: estimate, results: [{ corruption: 'fog', severity: 1, ...estimate }] };
  const model = tfl.sequential({ layers: [tfl.layers.dense({ inputShape: [4], units: 2 })] });
  return [
    measuresPlots.plotSearch(search),
    await lsqPlots.plotStepSizes(await lsq.quantizeModel(model, { bits: 4, firstLast: 'same' })),
    corruptionsPlots.plotCorruptions(report),
  ];
}
