export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Draws a chart in the size of its box: now, and whenever the box or what is drawn changes. */
export function sized<Value>(
  box: HTMLElement,
  draw: (value: Value, size: Size) => Element,
): { show(value: Value): void } {
  let shown: { readonly value: Value } | undefined;
  let frame: number | undefined;
  const redraw = () => {
    frame = undefined;
    const { clientWidth: width, clientHeight: height } = box;
    if (shown && width > 0 && height > 0) box.replaceChildren(draw(shown.value, { width, height }));
  };
  // Frames come only while the page is to be seen: in the background nothing is drawn, and nothing waits for it.
  const soon = () => {
    if (frame === undefined) frame = requestAnimationFrame(redraw);
  };
  new ResizeObserver(soon).observe(box);
  return {
    show(value) {
      shown = { value };
      soon();
    },
  };
}
