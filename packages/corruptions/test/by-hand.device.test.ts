import { type CorruptionName, corrupt, type FieldsOf, type ParametersOf } from '@qgen/corruptions';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, useBackend } from '../../../test/backends';

/** The levels of one image [H, W, C], corrupted with parameters and, where it is random, fields that are written out. */
async function corrupted<N extends CorruptionName>(
  name: N,
  levels: readonly number[],
  shape: [number, number, number],
  parameters: ParametersOf[N],
  fields?: FieldsOf[N],
): Promise<number[]> {
  const image = tf.tensor3d([...levels], shape, 'int32');
  const out = corrupt(image, name, { parameters, ...(fields && { fields: [fields] }) });
  const result = Array.from(await out.data());
  tf.dispose([image, out]);
  return result;
}

/** `corrupted` of a row of grey pixels. */
const row = <N extends CorruptionName>(
  name: N,
  levels: readonly number[],
  parameters: ParametersOf[N],
  fields?: FieldsOf[N],
) => corrupted(name, levels, [1, levels.length, 1], parameters, fields);

// x is the level, 255 v. Results are truncated; the numbers are chosen so that none lies on an integer, where a rounding
// of float32 decides.
describe.each(backends)('by hand on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('gaussian_noise: x + 255 c n, with 255 c = 25.5', async () => {
    // 10 + 12.75 = 22.75; 60 − 12.75 = 47.25; 128 + 38.25 = 166.25; 60 − 76.5 < 0; 250 + 17.85 > 255
    const normal = [0.5, -0.5, 1.5, -3, 0.7];
    expect(await row('gaussian_noise', [10, 60, 128, 60, 250], 0.1, { normal })).toEqual([22, 47, 166, 0, 255]);
  });

  it('shot_noise, counts K given: 255 K / c, with c = 4 photons at white', async () => {
    // 0; 63.75; 127.5; 191.25; 318.75 > 255
    const counts = [0, 1, 2, 3, 5];
    expect(await row('shot_noise', [51, 51, 51, 51, 51], 4, { counts })).toEqual([0, 63, 127, 191, 255]);
  });

  it('shot_noise, uniforms u given: the smallest K with u < P(K), of the mean c v = 4 · 51/255 = 0.8', async () => {
    // P = e^−0.8 (1, 1 + 0.8, + 0.32, + 0.0853) = 0.449, 0.809, 0.953, 0.991, so that K = 0, 1, 2, 3. Black has none.
    const uniform = [0.4, 0.5, 0.9, 0.96, 0.999];
    expect(await row('shot_noise', [51, 51, 51, 51, 0], 4, { uniform })).toEqual([0, 63, 127, 191, 0]);
  });

  it('impulse_noise: 0 keeps, 1 is white, 2 is black', async () => {
    const mask = [0, 1, 2, 0, 1];
    expect(await row('impulse_noise', [10, 20, 30, 40, 50], 0.5, { mask })).toEqual([10, 255, 0, 40, 255]);
  });

  it('defocus_blur: the disk of radius 1 is a cross of five, of which three lie in a single row', async () => {
    // (3 x + left + right) / 5, mirrored beyond the ends without repeating them:
    // (0 + 2 · 101)/5 = 40.4; (303 + 0 + 0)/5 = 60.6; 101/5 = 20.2; 53/5 = 10.6; (159 + 0 + 0)/5 = 31.8
    expect(await row('defocus_blur', [0, 101, 0, 0, 53], [1, 0.1])).toEqual([40, 60, 20, 10, 31]);
  });

  it('glass_blur: the last pixels, from right to left, are copied from (x + dx, y + dy)', async () => {
    // σ = 0 blurs nothing. With d = 1 the pixels from row 2 and column 2 on are visited: x = 4, 3, 2.
    const levels = [
      [10, 20, 30, 40, 50],
      [60, 70, 80, 90, 100],
      [110, 120, 130, 140, 150],
    ].flat();
    // x = 4 takes 90 from up left, x = 3 takes 130 from the left, x = 2 takes 70 from up left. 90 and 70 stay: no swap.
    const offsets = [
      [-1, -1],
      [-1, 0],
      [-1, -1],
    ].flat();
    const expected = [
      [10, 20, 30, 40, 50],
      [60, 70, 80, 90, 100],
      [110, 120, 70, 130, 90],
    ].flat();
    expect(await corrupted('glass_blur', levels, [3, 5, 1], [0, 1, 1], { offsets })).toEqual(expected);
  });

  it('motion_blur: three taps to the right, in proportion to 1, e^−1/2 and e^−2', async () => {
    // 1, 0.6065 and 0.1353 over their sum 1.7419: 0.5741, 0.3482, 0.0777. Rounded to the nearest, the end repeated:
    // 114.82 + 34.82 = 149.64; 57.41; 0.0777 · 50 = 3.88; (0.3482 + 0.0777) 50 = 21.29; 50
    expect(await row('motion_blur', [200, 100, 0, 0, 50], [1, 1], { angle: 0 })).toEqual([150, 57, 4, 21, 50]);
  });

  it('zoom_blur: (2 x + z) / 3 with the magnifications 1 and 1.25', async () => {
    // The first ⌈5/1.25⌉ = 4 pixels over 5 places, at 0, 0.75, 1.5, 2.25, 3: z = 0, 75, 150, 200 − 0.25 · 110 = 172.5, 90.
    // (200 + 75)/3 = 91.67; (400 + 150)/3 = 183.33; (180 + 172.5)/3 = 117.5; (80 + 90)/3 = 56.67
    expect(await row('zoom_blur', [0, 100, 200, 90, 40], [0.25, 2])).toEqual([0, 91, 183, 117, 56]);
  });

  it('snow: k x + (1 − k) (1.5 x + 127.5) = 1.1 x + 25.5 of greys with k = 0.8, plus flakes twice', async () => {
    // No magnification, one tap. Of the noise, 0.25 alone reaches 0.1: a flake of ⌊63.75⌋ = 63, and at the other end again.
    // 0 + 25.5 + 63 = 88.5; 11 + 25.5 = 36.5; 111.1 + 25.5 = 136.6; 221.1 + 25.5 = 246.6; 110 + 25.5 + 63 = 198.5
    const fields = { normal: [0.25, 0.05, 0.09, 0, -1], angle: -90 };
    expect(await row('snow', [0, 10, 101, 201, 100], [0, 1, 1, 0.1, 0, 1, 0.8], fields)).toEqual([
      88, 36, 136, 246, 198,
    ]);
  });

  it('frost: x/2 + 3/4 of the texture, of which grey pixels take the luma', async () => {
    // 22.5; 50 + 37.5; 50 + 151.5 = 201.5; 125 + 191.25 > 255; luma 0.299 · 10 + 0.587 · 20 + 0.114 · 30 = 18.15: 15 + 13.61
    const texture = [
      [30, 30, 30],
      [50, 50, 50],
      [202, 202, 202],
      [255, 255, 255],
      [10, 20, 30],
    ].flat();
    expect(await row('frost', [0, 100, 100, 250, 30], [0.5, 0.75], { texture })).toEqual([22, 87, 201, 255, 28]);
  });

  it('fog: (x + 255 c p) M / (M + c), with M = 204/255 and c = 1: times 4/9', async () => {
    // The plasma of 2×2 in units of A² = 10⁴: the corner 0, the centre 0.8, the edges 0.8/2 − 0.2 = 0.2 (right of the
    // corner) and 0.8/2 + 0.1 = 0.5 (below it). Over 0.8: p = 0, 0.25, 0.625, 1.
    // 10 · 4/9 = 4.44; (50 + 63.75) 4/9 = 50.56; (204 + 159.375) 4/9 = 161.5; (100 + 255) 4/9 = 157.78
    const uniform = [0.8, -0.2, 0.1];
    expect(await corrupted('fog', [10, 50, 204, 100], [2, 2, 1], [1, 2], { uniform })).toEqual([4, 50, 161, 157]);
  });

  it('brightness: grey gains 255 c = 25.5; a colour is multiplied by V′/V', async () => {
    expect(await row('brightness', [0, 50, 100, 200, 240], 0.1)).toEqual([25, 75, 125, 225, 255]);
    // V = 150, V′ = 175.5, V′/V = 1.17: 101 · 1.17 = 118.17; 50 · 1.17 = 58.5; 175.5
    expect(await corrupted('brightness', [101, 50, 150], [1, 1, 3], 0.1)).toEqual([118, 58, 175]);
  });

  it('contrast: halfway to the mean', async () => {
    // μ = 503/5 = 100.6, x/2 + 50.3: 50.3, 75.3, 100.3, 125.3, 151.8
    expect(await row('contrast', [0, 50, 100, 150, 203], 0.5)).toEqual([50, 75, 100, 125, 151]);
  });

  it('elastic_transform, displacements: pixels come from x + α dx, between two of them', async () => {
    // σ = 0 smooths nothing, and a row has no affine map. α dx = 0.5, −0.5, 0.25, 0.25, −0.5:
    // (0 + 101)/2 = 50.5 twice; 50 + 150/4 = 87.5; 200 − 123/4 = 169.25; (200 + 77)/2 = 138.5
    const fields = { anchors: [0, 0, 0, 0, 0, 0], dx: [1, -1, 0.5, 0.5, -1], dy: [0, 0, 0, 0, 0] };
    expect(await row('elastic_transform', [0, 101, 50, 200, 77], [0.5, 0, 0], fields)).toEqual([50, 50, 87, 169, 138]);
  });

  it('elastic_transform, affine map: anchors that all move by half a pixel move the image', async () => {
    // Each pixel is the mean of itself and its left neighbour; left of the first lies, mirrored, the second:
    // (101 + 0)/2 = 50.5; 50.5; (101 + 50)/2 = 75.5; (50 + 201)/2 = 125.5; (201 + 80)/2 = 140.5
    const levels = Array.from({ length: 5 }, () => [0, 101, 50, 201, 80]).flat();
    const zeros = new Array(25).fill(0);
    const fields = { anchors: [1, 0, 1, 0, 1, 0], dx: zeros, dy: zeros };
    const expected = Array.from({ length: 5 }, () => [50, 50, 75, 125, 140]).flat();
    expect(await corrupted('elastic_transform', levels, [5, 5, 1], [0, 0, 0.5], fields)).toEqual(expected);
  });

  it('pixelate: five pixels to int(5 · 0.4) = 2 and back', async () => {
    // Means, rounded to the nearest: (10 + 20 + 31)/3 = 20.33, (40 + 51)/2 = 45.5. Place i shows ⌊(i + ½) 2/5⌋: 0, 0, 1, 1, 1.
    expect(await row('pixelate', [10, 20, 31, 40, 51], 0.4)).toEqual([20, 20, 46, 46, 46]);
  });

  it('jpeg_compression: at quality 50 a flat grey block moves by steps of 16/8 = 2 from 128', async () => {
    // One pixel fills its block: DC = 8 (x − 128), quantized by 16, halves away from zero.
    // 128: 0; 129: 8/16 → 1 → 130; 131: 24/16 → 2 → 132; 100: −224/16 = −14 → 100; 255: 1016/16 → 64 → 256, clipped
    const levels = [128, 129, 131, 100, 255];
    const out = await Promise.all(levels.map((level) => row('jpeg_compression', [level], 50)));
    expect(out.flat()).toEqual([128, 130, 132, 100, 255]);
  });

  it('speckle_noise: x (1 + c n), with c = 0.1', async () => {
    // 0; 100 · 1.055 = 105.5; 200 · 0.9725 = 194.5; 200 · (1 − 1.1) < 0; 250 · 1.1 > 255
    const normal = [3, 0.55, -0.275, -11, 1];
    expect(await row('speckle_noise', [0, 100, 200, 200, 250], 0.1, { normal })).toEqual([0, 105, 194, 0, 255]);
  });

  it('gaussian_blur: taps in proportion to 1, e^−2 and e^−8 at σ = 1/2, the ends repeated', async () => {
    // 1 + 2 · 0.13534 + 2 · 0.00034 = 1.27134: taps 0.78657, 0.10645, 0.00026.
    // 0.05; 21.29 + 0.03; 157.31 + 0.03; 0.10645 · 300 + 0.03 = 31.96; 78.66 + 10.65 + 0.03 + 0.05 = 89.38
    expect(await row('gaussian_blur', [0, 0, 200, 0, 100], 0.5)).toEqual([0, 21, 157, 31, 89]);
  });

  it('spatter, mud: where the noise exceeds 0.5 there is mud', async () => {
    // Its luma: 0.299 · 63 + 0.587 · 42 + 0.114 · 20 = 45.77
    const normal = [0.6, 0.4, 0.9, 0.1, 0.7];
    expect(await row('spatter', [0, 255, 255, 0, 255], [0, 1, 0, 0.5, 0, 1], { normal })).toEqual([45, 255, 45, 0, 45]);
  });

  it('spatter, water: a level sheet has no edges, so that strength × water is added everywhere', async () => {
    // The luma of water: 0.299 · 175 + 0.701 · 238 = 219.16, times 0.5 = 109.58
    const normal = [0, 0, 0, 0, 0];
    const out = await row('spatter', [0, 20, 100, 145, 200], [0.7, 0, 0, 0.5, 0.5, 0], { normal });
    expect(out).toEqual([109, 129, 209, 254, 255]);
  });

  it('saturate: S / 4 + 0.11, and greys have the hue of red', async () => {
    // V = 255 throughout, so that V (1 − S′) is the least component; f tells where the middle one lies.
    // (255, 153, 5): S = 250/255, 255 S′ = 62.5 + 28.05 = 90.55, f = 148/250 = 0.592: 255 − 0.408 · 90.55 = 218.06, 164.45
    // red: 255 S′ = 63.75 + 28.05 = 91.8: 163.2; white: 255 S′ = 28.05: 226.95; black stays; blue is the first, turned round
    const levels = [
      [255, 153, 5],
      [255, 0, 0],
      [255, 255, 255],
      [0, 0, 0],
      [5, 153, 255],
    ].flat();
    const expected = [
      [255, 218, 164],
      [255, 163, 163],
      [255, 226, 226],
      [0, 0, 0],
      [164, 218, 255],
    ].flat();
    expect(await corrupted('saturate', levels, [1, 5, 3], [0.25, 0.11])).toEqual(expected);
  });
});
