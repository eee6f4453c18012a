/** The 15 corruptions of ImageNet-C, Hendrycks & Dietterich 2019 (arXiv:1903.12261), in the paper's order. */
export const CORRUPTIONS = [
  'gaussian_noise',
  'shot_noise',
  'impulse_noise',
  'defocus_blur',
  'glass_blur',
  'motion_blur',
  'zoom_blur',
  'snow',
  'frost',
  'fog',
  'brightness',
  'contrast',
  'elastic_transform',
  'pixelate',
  'jpeg_compression',
] as const;

/** The four held back for validation, so that nobody tunes on the 15. */
export const VALIDATION_CORRUPTIONS = ['speckle_noise', 'gaussian_blur', 'spatter', 'saturate'] as const;

/** The published sets of parameters: ImageNet-C (224×224), CIFAR-10-C and CIFAR-100-C (32×32), Tiny-ImageNet-C (64×64). */
export const PRESETS = ['imagenet-c', 'cifar-c', 'tiny-imagenet-c'] as const;

export type CorruptionName = (typeof CORRUPTIONS)[number] | (typeof VALIDATION_CORRUPTIONS)[number];
export type Preset = (typeof PRESETS)[number];

/** All 19. The place of a name is a part of its random stream: names keep their places. */
export const NAMES: readonly CorruptionName[] = [...CORRUPTIONS, ...VALIDATION_CORRUPTIONS];
export type Severity = 1 | 2 | 3 | 4 | 5;

/** The side, in pixels, of the square images that a preset was published with. */
export const PUBLISHED_SIDE: Readonly<Record<Preset, number>> = {
  'imagenet-c': 224,
  'cifar-c': 32,
  'tiny-imagenet-c': 64,
};

type FiveOf<T> = Readonly<Record<Preset, readonly [T, T, T, T, T]>>;

/** The parameters of every corruption, by name. Lengths are in pixels, values in units of white. */
export interface ParametersOf {
  /** The standard deviation of the noise, 0 to 1000. */
  gaussian_noise: number;
  /** Photons that a white value counts on average, 0.01 to 10000: the fewer, the noisier. */
  shot_noise: number;
  /** The share of values that turn white or black. */
  impulse_noise: number;
  /** The standard deviation of the noise at white, 0 to 1000. */
  speckle_noise: number;
  /** Of the disk, 0 to 256, and of the Gaussian that smooths its edge. */
  defocus_blur: readonly [radius: number, aliasSigma: number];
  /** Of the blurs, 0 to 256; how far colours come from, a whole number from 1 to 127; and how often, 1 to 100. */
  glass_blur: readonly [sigma: number, maxOffset: number, iterations: number];
  /** The trail is half a Gaussian of 2 ⌈radius⌉ + 1 pixels, radius 0 to 1000. */
  motion_blur: readonly [radius: number, sigma: number];
  /** The mean is over magnifications 1, 1 + step, …, a whole number `count` of them, 1 to 100; step 0 to 1. */
  zoom_blur: readonly [step: number, count: number];
  /** 0 to 256. */
  gaussian_blur: number;
  /**
   * Noise of this mean and deviation, magnified by zoom >= 1, cut off below the threshold and blurred along its fall as
   * motion_blur does; `keep`, 0 to 1, is what the image keeps of its colours.
   */
  snow: readonly [
    mean: number,
    deviation: number,
    zoom: number,
    threshold: number,
    radius: number,
    sigma: number,
    keep: number,
  ];
  /** The factors of image and frost, each 0 to 1000. */
  frost: readonly [image: number, texture: number];
  /** The amount of haze, 0.001 to 1000, and the divisor of its amplitude from octave to octave, 1 to 100. */
  fog: readonly [amount: number, decay: number];
  /** The number added to the value, −1 to 1. */
  brightness: number;
  /** Noise of this mean and deviation smoothed by σ: drops are where it exceeds the threshold. `mud` 1, or 0 for water. */
  spatter: readonly [mean: number, deviation: number, sigma: number, threshold: number, strength: number, mud: number];
  /** The factor of the distance from the mean, 0 to 1000. */
  contrast: number;
  /** Displacements are α times uniforms smoothed by σ, 0 to 256; anchors of the affine map move by up to `anchor`. */
  elastic_transform: readonly [alpha: number, sigma: number, anchor: number];
  /** The side of the small image as a share of that of the image, 0.001 to 1. */
  pixelate: number;
  /** A whole number from 1 to 100. */
  jpeg_compression: number;
  /** Saturation becomes factor × saturation + offset; factor 0 to 1000, offset −1 to 1. */
  saturate: readonly [factor: number, offset: number];
}

/**
 * Severities 1 to 5 of every corruption as published: make_imagenet_c.py, make_cifar_c.py and make_tinyimagenet_c.py of
 * hendrycks/robustness at 8190fe3. A few are not monotone (snow, elastic_transform of ImageNet-C): they are so there.
 */
// biome-ignore format: a row of the table is a line
export const SEVERITIES: Readonly<{ [N in CorruptionName]: FiveOf<ParametersOf[N]> }> = {
  gaussian_noise: {
    'imagenet-c': [0.08, 0.12, 0.18, 0.26, 0.38],
    'cifar-c': [0.04, 0.06, 0.08, 0.09, 0.1],
    'tiny-imagenet-c': [0.04, 0.08, 0.12, 0.15, 0.18],
  },
  shot_noise: {
    'imagenet-c': [60, 25, 12, 5, 3],
    'cifar-c': [500, 250, 100, 75, 50],
    'tiny-imagenet-c': [250, 100, 50, 30, 15],
  },
  impulse_noise: {
    'imagenet-c': [0.03, 0.06, 0.09, 0.17, 0.27],
    'cifar-c': [0.01, 0.02, 0.03, 0.05, 0.07],
    'tiny-imagenet-c': [0.01, 0.02, 0.05, 0.08, 0.14],
  },
  speckle_noise: {
    'imagenet-c': [0.15, 0.2, 0.35, 0.45, 0.6],
    'cifar-c': [0.06, 0.1, 0.12, 0.16, 0.2],
    'tiny-imagenet-c': [0.15, 0.2, 0.25, 0.3, 0.35],
  },
  defocus_blur: {
    'imagenet-c': [[3, 0.1], [4, 0.5], [6, 0.5], [8, 0.5], [10, 0.5]],
    'cifar-c': [[0.3, 0.4], [0.4, 0.5], [0.5, 0.6], [1, 0.2], [1.5, 0.1]],
    'tiny-imagenet-c': [[0.5, 0.6], [1, 0.1], [1.5, 0.1], [2.5, 0.01], [3, 0.1]],
  },
  glass_blur: {
    'imagenet-c': [[0.7, 1, 2], [0.9, 2, 1], [1, 2, 3], [1.1, 3, 2], [1.5, 4, 2]],
    'cifar-c': [[0.05, 1, 1], [0.25, 1, 1], [0.4, 1, 1], [0.25, 1, 2], [0.4, 1, 2]],
    'tiny-imagenet-c': [[0.1, 1, 1], [0.5, 1, 1], [0.6, 1, 2], [0.7, 2, 1], [0.9, 2, 2]],
  },
  motion_blur: {
    'imagenet-c': [[10, 3], [15, 5], [15, 8], [15, 12], [20, 15]],
    'cifar-c': [[6, 1], [6, 1.5], [6, 2], [8, 2], [9, 2.5]],
    'tiny-imagenet-c': [[10, 1], [10, 1.5], [10, 2], [10, 2.5], [12, 3]],
  },
  zoom_blur: {
    'imagenet-c': [[0.01, 12], [0.01, 16], [0.02, 11], [0.02, 13], [0.03, 11]],
    'cifar-c': [[0.01, 7], [0.01, 12], [0.01, 16], [0.01, 21], [0.01, 26]],
    'tiny-imagenet-c': [[0.01, 7], [0.01, 12], [0.01, 16], [0.01, 21], [0.01, 26]],
  },
  gaussian_blur: {
    'imagenet-c': [1, 2, 3, 4, 6],
    'cifar-c': [0.4, 0.6, 0.7, 0.8, 1],
    'tiny-imagenet-c': [0.5, 0.75, 1, 1.25, 1.5],
  },
  snow: {
    'imagenet-c': [
      [0.1, 0.3, 3, 0.5, 10, 4, 0.8],
      [0.2, 0.3, 2, 0.5, 12, 4, 0.7],
      [0.55, 0.3, 4, 0.9, 12, 8, 0.7],
      [0.55, 0.3, 4.5, 0.85, 12, 8, 0.65],
      [0.55, 0.3, 2.5, 0.85, 12, 12, 0.55],
    ],
    'cifar-c': [
      [0.1, 0.2, 1, 0.6, 8, 3, 0.95],
      [0.1, 0.2, 1, 0.5, 10, 4, 0.9],
      [0.15, 0.3, 1.75, 0.55, 10, 4, 0.9],
      [0.25, 0.3, 2.25, 0.6, 12, 6, 0.85],
      [0.3, 0.3, 1.25, 0.65, 14, 12, 0.8],
    ],
    'tiny-imagenet-c': [
      [0.1, 0.2, 1, 0.6, 8, 3, 0.8],
      [0.1, 0.2, 1, 0.5, 10, 4, 0.8],
      [0.15, 0.3, 1.75, 0.55, 10, 4, 0.7],
      [0.25, 0.3, 2.25, 0.6, 12, 6, 0.65],
      [0.3, 0.3, 1.25, 0.65, 14, 12, 0.6],
    ],
  },
  frost: {
    'imagenet-c': [[1, 0.4], [0.8, 0.6], [0.7, 0.7], [0.65, 0.7], [0.6, 0.75]],
    'cifar-c': [[1, 0.2], [1, 0.3], [0.9, 0.4], [0.85, 0.4], [0.75, 0.45]],
    'tiny-imagenet-c': [[1, 0.3], [0.9, 0.4], [0.8, 0.45], [0.75, 0.5], [0.7, 0.55]],
  },
  fog: {
    'imagenet-c': [[1.5, 2], [2, 2], [2.5, 1.7], [2.5, 1.5], [3, 1.4]],
    'cifar-c': [[0.2, 3], [0.5, 3], [0.75, 2.5], [1, 2], [1.5, 1.75]],
    'tiny-imagenet-c': [[0.4, 3], [0.7, 3], [1, 2.5], [1.5, 2], [2, 1.75]],
  },
  brightness: {
    'imagenet-c': [0.1, 0.2, 0.3, 0.4, 0.5],
    'cifar-c': [0.05, 0.1, 0.15, 0.2, 0.3],
    'tiny-imagenet-c': [0.1, 0.2, 0.3, 0.4, 0.5],
  },
  spatter: {
    'imagenet-c': [
      [0.65, 0.3, 4, 0.69, 0.6, 0],
      [0.65, 0.3, 3, 0.68, 0.6, 0],
      [0.65, 0.3, 2, 0.68, 0.5, 0],
      [0.65, 0.3, 1, 0.65, 1.5, 1],
      [0.67, 0.4, 1, 0.65, 1.5, 1],
    ],
    'cifar-c': [
      [0.62, 0.1, 0.7, 0.7, 0.5, 0],
      [0.65, 0.1, 0.8, 0.7, 0.5, 0],
      [0.65, 0.3, 1, 0.69, 0.5, 0],
      [0.65, 0.1, 0.7, 0.69, 0.6, 1],
      [0.65, 0.1, 0.5, 0.68, 0.6, 1],
    ],
    'tiny-imagenet-c': [
      [0.62, 0.1, 0.7, 0.7, 0.6, 0],
      [0.65, 0.1, 0.8, 0.7, 0.6, 0],
      [0.65, 0.3, 1, 0.69, 0.6, 0],
      [0.65, 0.1, 0.7, 0.68, 0.6, 1],
      [0.65, 0.1, 0.5, 0.67, 0.6, 1],
    ],
  },
  contrast: {
    'imagenet-c': [0.4, 0.3, 0.2, 0.1, 0.05],
    'cifar-c': [0.75, 0.5, 0.4, 0.3, 0.15],
    'tiny-imagenet-c': [0.4, 0.3, 0.2, 0.1, 0.05],
  },
  elastic_transform: {
    'imagenet-c': [
      [488, 170.8, 24.4],
      [488, 19.52, 48.8],
      [12.2, 2.44, 4.88],
      [17.08, 2.44, 4.88],
      [29.28, 2.44, 4.88],
    ],
    'cifar-c': [[0, 0, 2.56], [1.6, 6.4, 2.24], [2.56, 1.92, 1.92], [3.2, 1.28, 1.6], [3.2, 0.96, 0.96]],
    'tiny-imagenet-c': [[0, 0, 5.12], [3.2, 19.2, 3.84], [6.4, 5.12, 3.84], [6.4, 1.92, 1.92], [10.24, 1.92, 1.28]],
  },
  pixelate: {
    'imagenet-c': [0.6, 0.5, 0.4, 0.3, 0.25],
    'cifar-c': [0.95, 0.9, 0.85, 0.75, 0.65],
    'tiny-imagenet-c': [0.9, 0.8, 0.7, 0.6, 0.5],
  },
  jpeg_compression: {
    'imagenet-c': [25, 18, 15, 10, 7],
    'cifar-c': [80, 65, 58, 50, 40],
    'tiny-imagenet-c': [65, 58, 50, 40, 25],
  },
  saturate: {
    'imagenet-c': [[0.3, 0], [0.1, 0], [2, 0], [5, 0.1], [20, 0.2]],
    'cifar-c': [[0.3, 0], [0.1, 0], [1.5, 0], [2, 0.1], [2.5, 0.2]],
    'tiny-imagenet-c': [[0.3, 0], [0.1, 0], [2, 0], [5, 0.1], [30, 0.2]],
  },
};
