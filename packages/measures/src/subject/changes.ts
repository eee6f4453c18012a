import * as tf from '@tensorflow/tfjs-core';

/** The changes made to a model, which can be undone bit for bit. */
export interface Changes {
  /** Notes a variable's value and whether it is trainable, before either is changed. */
  save(variable: tf.Variable): void;
  assign(variable: tf.Variable, value: tf.Tensor): void;
  /** Lets a quantizer do nothing. */
  bypass(quantizer: { bypass: boolean }): void;
  undo(): void;
}

export function recordChanges(): Changes {
  const saved = new Map<tf.Variable, { readonly value: tf.Tensor; readonly trainable: boolean }>();
  const bypassed: { bypass: boolean }[] = [];
  const save = (variable: tf.Variable) => {
    if (!saved.has(variable))
      saved.set(variable, { value: tf.keep(tf.clone(variable)), trainable: variable.trainable });
  };
  return {
    save,
    assign(variable, value) {
      save(variable);
      variable.assign(tf.cast(value, variable.dtype));
    },
    bypass(quantizer) {
      quantizer.bypass = true;
      bypassed.push(quantizer);
    },
    undo() {
      for (const [variable, { value, trainable }] of saved) {
        variable.assign(value);
        variable.trainable = trainable;
        value.dispose();
      }
      saved.clear();
      for (const quantizer of bypassed.splice(0)) quantizer.bypass = false;
    },
  };
}
