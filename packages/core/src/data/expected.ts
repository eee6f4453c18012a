/** The form in which the reader of data expects them. */
export interface Expected {
  /**
   * `'classes'` (default): `ys` are classes. `'numbers'`: `ys` are the numbers that a regression should return.
   * `'none'`: `ys` are not read.
   */
  readonly labels?: 'classes' | 'numbers' | 'none';
  /** The number of classes, where it is known: a label beyond it, or a one-hot row of another length, is refused. */
  readonly classes?: number;
  /**
   * The shape of a batch of inputs as `model.inputs[0].shape`, null where any length is right; the first is ignored.
   * Inputs of another shape are refused, and its rank tells batched from single examples in a `tf.data.Dataset`.
   */
  readonly inputShape?: readonly (number | null)[];
  /** The dtype that bytes (`Uint8Array`, `Uint8ClampedArray`) become; float32 unless said. */
  readonly bytes?: 'float32' | 'int32';
}
