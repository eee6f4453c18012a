/** From where the landscapes are seen, in degrees: around the vertical, and above the floor. */
export interface Camera {
  readonly turn: number;
  readonly tilt: number;
}

const DEGREES_PER_PIXEL = 0.6;

/** One camera for all landscapes: two sliders hold it, and dragging over `area` moves them. */
export function turning(
  area: HTMLElement,
  sliders: { readonly turn: HTMLInputElement; readonly tilt: HTMLInputElement },
  onTurn: (camera: Camera) => void,
): Camera {
  const camera = () => ({ turn: Number(sliders.turn.value), tilt: Number(sliders.tilt.value) });
  sliders.turn.oninput = sliders.tilt.oninput = () => onTurn(camera());
  let from: (Camera & { readonly x: number; readonly y: number }) | undefined;
  area.onpointerdown = ({ pointerId, clientX: x, clientY: y }) => {
    area.setPointerCapture(pointerId);
    from = { ...camera(), x, y };
  };
  area.onpointermove = ({ clientX, clientY }) => {
    if (!from) return;
    sliders.turn.value = String((from.turn + DEGREES_PER_PIXEL * (clientX - from.x) + 720) % 360);
    sliders.tilt.value = String(from.tilt + DEGREES_PER_PIXEL * (clientY - from.y));
    onTurn(camera());
  };
  area.onpointerup = area.onpointercancel = () => {
    from = undefined;
  };
  return camera();
}
