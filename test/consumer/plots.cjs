require('@tensorflow/tfjs-backend-cpu');
const corruptionsPlots = require('@qgen/corruptions/plots');
const lsq = require('@qgen/lsq');
const lsqPlots = require('@qgen/lsq/plots');
const measuresPlots = require('@qgen/measures/plots');
const tfl = require('@tensorflow/tfjs-layers');

import('./draw.mjs')
  .then(({ draw }) => draw({ tfl, lsq, measuresPlots, lsqPlots, corruptionsPlots }))
  .then((pictures) => console.log(JSON.stringify(pictures)));
