import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import tfjs from '@tensorflow/tfjs-core/package.json' with { type: 'json' };
import qgen from '../../../package.json' with { type: 'json' };
import { UsageError } from '../../shared/usage-error';
import { openData } from '../data/open-data';
import { type Manifest, type Paths, planManifest } from '../folder/manifest';
import { trialsOf } from '../plan/grid';
import type { Request } from './request';

/** The study that a request describes. Reads the data for their hash and size; computes nothing. */
export async function planStudy(request: Request): Promise<{ readonly manifest: Manifest; readonly paths: Paths }> {
  const { grid, data, corrupted, weights, imageSize, backend, threads } = request;
  const { train, test, downsample, measuring } = grid;
  const opened = await openData({ data, corrupted, train, test, imageSize, downsample });
  const conditions = {
    data: {
      name: opened.name,
      shape: opened.shape,
      classes: opened.classes,
      downsample,
      train: opened.train.size,
      test: opened.test.size,
      sha256: opened.sha256,
      corrupted: opened.corrupted?.source ?? null,
      weights: weights === null ? null : hashOf(weights),
    },
    measuring,
    backend,
    threads,
    versions: { qgen: qgen.version, tfjs: tfjs.version },
  };
  return { manifest: planManifest(grid, conditions, trialsOf(grid)), paths: { data, corrupted, weights } };
}

function hashOf(file: string): string {
  try {
    return createHash('sha256').update(readFileSync(file)).digest('hex');
  } catch (error) {
    throw new UsageError(`--weights: ${file} can't be read (${(error as Error).message})`);
  }
}
