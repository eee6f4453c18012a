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

/** Whose parameters: ImageNet-C (224×224), CIFAR-10-C and CIFAR-100-C (32×32), Tiny-ImageNet-C (64×64). */
export const PRESETS = ['imagenet-c', 'cifar-c', 'tiny-imagenet-c'] as const;

export type CorruptionName = (typeof CORRUPTIONS)[number] | (typeof VALIDATION_CORRUPTIONS)[number];
export type Preset = (typeof PRESETS)[number];
export type Severity = 1 | 2 | 3 | 4 | 5;

/** The side, in pixels, of the square images that a preset was published with. */
export const PUBLISHED_SIDE: Readonly<Record<Preset, number>> = {
  'imagenet-c': 224,
  'cifar-c': 32,
  'tiny-imagenet-c': 64,
};

type FiveOf<T> = Readonly<Record<Preset, readonly [T, T, T, T, T]>>;

/** The parameters of every corruption, by name. The meaning of each is told where the corruption is defined. */
export interface ParametersOf {
  gaussian_noise: number;
  shot_noise: number;
  impulse_noise: number;
  speckle_noise: number;
  defocus_blur: readonly [radius: number, aliasSigma: number];
  glass_blur: readonly [sigma: number, maxOffset: number, iterations: number];
  motion_blur: readonly [radius: number, sigma: number];
  zoom_blur: readonly [step: number, count: number];
  gaussian_blur: number;
  snow: readonly [
    mean: number,
    deviation: number,
    zoom: number,
    threshold: number,
    radius: number,
    sigma: number,
    keep: number,
  ];
  frost: readonly [image: number, texture: number];
  fog: readonly [amount: number, decay: number];
  brightness: number;
  spatter: readonly [mean: number, deviation: number, sigma: number, threshold: number, strength: number, mud: number];
  contrast: number;
  elastic_transform: readonly [alpha: number, sigma: number, anchor: number];
  pixelate: number;
  jpeg_compression: number;
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
