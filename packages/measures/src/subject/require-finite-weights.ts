import type { OpenModel } from './open-model';

/** @throws RangeError, naming the first, if a weight of the model as it is measured is NaN or infinite */
export async function requireFiniteWeights({ variables }: Pick<OpenModel, 'variables'>, caller: string): Promise<void> {
  for (const { name, variable } of variables) {
    const values = await variable.data<'float32'>();
    for (let i = 0; i < values.length; i++)
      if (!Number.isFinite(values[i]))
        throw new RangeError(
          `${caller}: the weights are not finite: entry ${i} of weight ${name} is ${values[i]}; train the model again, or load it from before it diverged`,
        );
  }
}
