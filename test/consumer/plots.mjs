import '@tensorflow/tfjs-backend-cpu';
import * as corruptionsPlots from '@qgen/corruptions/plots';
import * as lsq from '@qgen/lsq';
import * as lsqPlots from '@qgen/lsq/plots';
import * as measuresPlots from '@qgen/measures/plots';
import * as tfl from '@tensorflow/tfjs-layers';
import { draw } from './draw.mjs';

console.log(JSON.stringify(await draw({ tfl, lsq, measuresPlots, lsqPlots, corruptionsPlots })));
