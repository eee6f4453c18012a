import { PRECISIONS } from '../protocol';
import { placeholder } from './placeholder';
import { precisionColor, precisionName } from './precision';
import { type Size, sized } from './sized';

/** Four boxes side by side, one for each network under its name. */
export interface Four<Value> {
  show(values: readonly Value[]): void;
  /** The text beside each name. */
  caption(texts: readonly string[]): void;
}

export function four<Value>(container: HTMLElement, draw: (value: Value, size: Size) => Element): Four<Value> {
  const boxes = PRECISIONS.map((bits) => {
    const figure = document.createElement('figure');
    const caption = document.createElement('figcaption');
    const name = document.createElement('span');
    name.className = 'swatch';
    name.style.setProperty('--swatch', precisionColor(bits));
    name.textContent = precisionName(bits);
    const beside = document.createElement('span');
    caption.append(name, beside);
    const box = document.createElement('div');
    box.className = 'chart';
    box.append(placeholder('Starting …'));
    figure.append(caption, box);
    container.append(figure);
    return { chart: sized(box, draw), beside };
  });
  return {
    show: (values) =>
      values.forEach((value, i) => {
        boxes[i].chart.show(value);
      }),
    caption: (texts) =>
      texts.forEach((text, i) => {
        boxes[i].beside.textContent = text;
      }),
  };
}
