/** The numbers measured of a case. */
export interface Measured {
  /** A training step over the forward pass in inference with stock kernels. */
  readonly stepOverStockForward: number;
  readonly stepOverForward: number;
  readonly millisecondsOfStep: number;
  /** Tensors, weights and optimizer included, when the forward pass of a step ends; and the memory of wasm after all. */
  readonly mebibytesAfterForward: number;
  readonly mebibytesOfHeap: number;
}

export interface Case {
  readonly builder: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly batch: number;
}

const small = { inputShape: [32, 32, 3], classes: 10 };
const large = { inputShape: [224, 224, 3] };
const windows = { patch: 2, window: 4 };

/** The networks of the paper on CIFAR's images, eight at a time, and on one of ImageNet's. */
export const cases: Readonly<Record<string, Case>> = {
  networkInNetwork32: { builder: 'networkInNetwork', options: { ...small, width: 8, depth: 3 }, batch: 8 },
  resnet18Width16: { builder: 'resnet18', options: { ...small, stem: 'cifar', width: 16 }, batch: 8 },
  resnet18Width64: { builder: 'resnet18', options: { ...small, stem: 'cifar' }, batch: 8 },
  resnet50Width16: { builder: 'resnet50', options: { ...small, stem: 'cifar', width: 16 }, batch: 8 },
  mobileNetV1At32: { builder: 'mobileNetV1', options: { ...small, stem: 'cifar' }, batch: 8 },
  mobileNetV2At32: { builder: 'mobileNetV2', options: { ...small, stem: 'cifar' }, batch: 8 },
  vgg19At32: { builder: 'vgg19', options: { ...small, head: 'cifar' }, batch: 8 },
  deitAt32: { builder: 'deit', options: { ...small, patch: 4 }, batch: 8 },
  swinAt32: { builder: 'swin', options: { ...small, ...windows }, batch: 8 },
  efficientNetLite0At32: { builder: 'efficientNetLite0', options: small, batch: 8 },
  networkInNetwork224: { builder: 'networkInNetwork', options: { ...large, classes: 1000 }, batch: 1 },
  resnet18At224: { builder: 'resnet18', options: large, batch: 1 },
  resnet50At224: { builder: 'resnet50', options: large, batch: 1 },
  mobileNetV1At224: { builder: 'mobileNetV1', options: large, batch: 1 },
  mobileNetV2At224: { builder: 'mobileNetV2', options: large, batch: 1 },
  vgg19At224: { builder: 'vgg19', options: { ...large, head: 'cifar' }, batch: 1 },
  deitAt224: { builder: 'deit', options: large, batch: 1 },
  swinAt224: { builder: 'swin', options: large, batch: 1 },
  efficientNetLite0At224: { builder: 'efficientNetLite0', options: large, batch: 1 },
};
