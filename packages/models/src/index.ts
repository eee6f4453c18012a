// Architectures

export { type DeitOptions, deit } from './architectures/deit';
export { efficientNetLite0 } from './architectures/efficientnet-lite0';
export { type MobileNetV1Options, mobileNetV1 } from './architectures/mobilenet-v1';
export { type MobileNetV2Options, mobileNetV2 } from './architectures/mobilenet-v2';
export type { ImageShape, ModelOptions } from './architectures/model-options';
export { type NetworkInNetworkOptions, networkInNetwork } from './architectures/network-in-network';
export { type ResNetOptions, resnet18, resnet50 } from './architectures/resnet';
export { type SwinOptions, swin } from './architectures/swin';
export { type Vgg19Options, vgg19 } from './architectures/vgg19';
export type { Initializer } from './initializers/draws';
export { AdaptiveAveragePooling, type AdaptiveAveragePoolingConfig } from './layers/adaptive-average-pooling';
export { AttentionMix } from './layers/attention-mix';
export { AttentionWeights, type AttentionWeightsConfig } from './layers/attention-weights';
export { ClassToken, type ClassTokenConfig, FirstToken } from './layers/class-token';
export { PatchMerging } from './layers/patch-merging';
export { PositionEmbedding, type PositionEmbeddingConfig } from './layers/position-embedding';
// The layers that attention is made of
export { SplitHeads, type SplitHeadsConfig } from './layers/split-heads';
export type { WindowGeometry } from './layers/window-geometry';
export { WindowTokens, type WindowTokensConfig } from './layers/window-tokens';
export { type LoadOptions, loadPyTorchWeights } from './weights/load-pytorch-weights';
export { type PthOptions, readPth } from './weights/pth/read-pth';
export { type HostTensor, pyTorchWeights } from './weights/pytorch-weights';
// PyTorch's weights
export { readSafetensors, type StoredTensor } from './weights/read-safetensors';
export { type WeightTensor, writeSafetensors } from './weights/write-safetensors';
