import * as tf from '@tensorflow/tfjs-core';
import { LayerVariable } from '@tensorflow/tfjs-layers';
import { heldShare, type StepScale, shareGradient, stepOf } from '../quantizer/step-scale';
import { STEP_RANGE } from '../quantizer/step-size';

/**
 * The step of a quantizer as weights of its layer: under 'absolute' the step itself, under 'relative' p, which is
 * trained, and s₀, which is not (see `StepScale`). A step of 0 is one that has not been set.
 */
export class LearnedStep {
  /** s or p: what an optimizer moves. */
  readonly learned: LayerVariable;
  /** s₀, or null under 'absolute'. */
  readonly start: LayerVariable | null;
  /** s. It follows every change of the weights. */
  readonly step: tf.Variable;
  private reported = false;
  private reading = false;

  /** @param named gives a weight its name from what it is: 'step', 'relative_step' or 'initial_step' */
  constructor(
    value: tf.Tensor,
    scale: StepScale,
    private readonly multiplier: number,
    named: (role: string) => { readonly name: string; readonly originalName?: string },
  ) {
    const weight = (value: tf.Tensor, role: string, trainable: boolean) => {
      const { name, originalName } = named(role);
      const made = new LayerVariable(value, 'float32', name, trainable);
      if (originalName !== undefined) (made as { originalName: string }).originalName = originalName;
      return made;
    };
    if (scale === 'absolute') {
      this.learned = weight(value, 'step', true);
      this.start = null;
      this.step = this.learned.read() as tf.Variable;
      onAssign(this.step, () => this.reportCrossing());
      return;
    }
    const one = tf.onesLike(value);
    this.learned = weight(one, 'relative_step', true);
    one.dispose();
    this.start = weight(value, 'initial_step', false);
    this.step = tf.variable(value, false);
    const follow = () => this.follow();
    onAssign(this.learned.read() as tf.Variable, follow, (p) => heldShare(p, multiplier));
    onAssign(this.start.read() as tf.Variable, follow);
  }

  /** The weights that are saved; the trained one is first. */
  get weights(): LayerVariable[] {
    return this.start ? [this.learned, this.start] : [this.learned];
  }

  /** Starts anew from a step, or only where a mask says so. */
  set(step: tf.Tensor, where?: tf.Tensor): void {
    tf.tidy(() => {
      const write = (weight: LayerVariable, value: tf.Tensor) =>
        weight.write(where ? tf.where(where, value, weight.read()) : value);
      write(this.start ?? this.learned, step);
      if (this.start) write(this.learned, tf.onesLike(step));
    });
  }

  /** s, with a gradient to what is trained. */
  read(): tf.Tensor {
    const { start } = this;
    if (!start) return this.learned.read();
    return tf.customGrad(() => ({
      value: tf.clone(this.step),
      gradFunc: (ds: tf.Tensor) => shareGradient(ds, start.read()),
    }))(this.learned.read());
  }

  /** Frees what is no weight of the layer. */
  dispose(): void {
    if (this.start) this.step.dispose();
  }

  private follow(): void {
    tf.tidy(() => this.step.assign(stepOf(this.learned.read(), this.start!.read(), this.multiplier)));
  }

  /** Reads one value at a time, so that training never waits for a GPU. */
  private reportCrossing(): void {
    if (this.reading || this.reported) return;
    this.reading = true;
    const { originalName } = this.learned;
    const report = (values: tf.TypedArray) => {
      this.reading = false;
      const crossed = values.find((value) => value !== 0 && value < Math.fround(STEP_RANGE.smallest));
      if (crossed === undefined || this.reported) return;
      this.reported = true;
      console.warn(
        `@qgen/lsq: training has driven the step ${originalName} through zero, to ${crossed.toPrecision(3)}: the optimizer ` +
          "moves it farther than its size. Quantize with stepScale: 'relative', or lower the learning rate.",
      );
    };
    // A step that is disposed of before its value arrives has nothing to report.
    this.step.data().then(report, () => {});
  }
}

/**
 * Assigns what `held` makes of a value, and calls `then`, at every assignment: optimizers, setWeights, loaders and whoever
 * perturbs weights assign.
 */
export function onAssign(variable: tf.Variable, then: () => void, held = (value: tf.Tensor): tf.Tensor => value): void {
  const assign = variable.assign.bind(variable);
  variable.assign = (value) => {
    tf.tidy(() => assign(held(value)));
    then();
  };
}
