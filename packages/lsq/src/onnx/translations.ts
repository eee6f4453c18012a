import type { Translation } from './graph/layer-call';
import * as attention from './layers/attention';
import * as convolution from './layers/convolution';
import * as linear from './layers/linear';
import * as merging from './layers/merging';
import * as normalization from './layers/normalization';
import * as pointwise from './layers/pointwise';
import * as pooling from './layers/pooling';
import * as shaping from './layers/shaping';

/** The translation of every class of layers that has one. */
export const TRANSLATIONS: ReadonlyMap<string, Translation> = new Map(
  Object.entries({
    Dense: linear.dense,
    Embedding: linear.embedding,
    Conv1D: convolution.convolution,
    Conv2D: convolution.convolution,
    Conv3D: convolution.convolution,
    DepthwiseConv2D: convolution.depthwiseConvolution,
    SeparableConv2D: convolution.separableConvolution,
    Conv2DTranspose: convolution.transposedConvolution,

    Activation: pointwise.activation,
    ReLU: pointwise.relu,
    LeakyReLU: pointwise.leakyRelu,
    ELU: pointwise.elu,
    ThresholdedReLU: pointwise.thresholdedRelu,
    PReLU: pointwise.prelu,
    Softmax: pointwise.softmax,

    BatchNormalization: normalization.batchNormalization,
    LayerNormalization: normalization.layerNormalization,
    Rescaling: normalization.rescaling,

    Add: merging.adding,
    Multiply: merging.multiplying,
    Average: merging.averaging,
    Maximum: merging.maximum,
    Minimum: merging.minimum,
    Concatenate: merging.concatenating,

    MaxPooling1D: pooling.maxPooling,
    MaxPooling2D: pooling.maxPooling,
    MaxPooling3D: pooling.maxPooling,
    AveragePooling1D: pooling.averagePooling,
    AveragePooling2D: pooling.averagePooling,
    AveragePooling3D: pooling.averagePooling,
    GlobalMaxPooling1D: pooling.globalMaxPooling,
    GlobalMaxPooling2D: pooling.globalMaxPooling,
    GlobalAveragePooling1D: pooling.globalAveragePooling,
    GlobalAveragePooling2D: pooling.globalAveragePooling,

    Flatten: shaping.flattening,
    Reshape: shaping.reshaping,
    Permute: shaping.permuting,
    RepeatVector: shaping.repeating,
    ZeroPadding2D: shaping.zeroPadding,
    Cropping2D: shaping.cropping,
    UpSampling2D: shaping.upSampling,

    // A layer of this package: what goes into it is quantized before it is translated.
    FakeQuant: pointwise.nothing,
    Dropout: pointwise.nothing,
    SpatialDropout1D: pointwise.nothing,
    AlphaDropout: pointwise.nothing,
    GaussianDropout: pointwise.nothing,
    GaussianNoise: pointwise.nothing,

    AdaptiveAveragePooling: attention.adaptiveAveragePooling,
    AttentionMix: attention.attentionMix,
    AttentionWeights: attention.attentionWeights,
    ClassToken: attention.classToken,
    FirstToken: attention.firstToken,
    PatchMerging: attention.movingTokens,
    PositionEmbedding: attention.positionEmbedding,
    SplitHeads: attention.splittingHeads,
    WindowTokens: attention.movingTokens,
  }),
);
