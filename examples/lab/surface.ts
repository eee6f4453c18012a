import { Graph3d } from 'vis-graph3d/standalone';

/** A loss surface that turns with the mouse and with the arrow keys. */
export function surface(container: HTMLElement): { show(rows: readonly (readonly number[])[], size: number): void } {
  container.tabIndex = 0;
  let graph: InstanceType<typeof Graph3d> | undefined;
  container.addEventListener('keydown', (event) => {
    const turn = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
    if (!graph || !turn) return;
    event.preventDefault();
    const { horizontal, vertical, distance } = graph.getCameraPosition();
    const tilted = Math.min(Math.PI / 2, Math.max(0, vertical + turn[1]));
    graph.setCameraPosition({ horizontal: horizontal + turn[0], vertical: tilted, distance });
    graph.redraw();
    container.dataset.camera = (horizontal + turn[0]).toFixed(2);
  });
  return {
    show(rows, size) {
      const at = (i: number) => -1 + (2 * i) / (size - 1);
      const points = rows.flatMap((row, i) => row.map((loss, j) => ({ x: at(i), y: at(j), z: loss })));
      if (rows.length < 2) return;
      if (graph) {
        graph.setData(points);
        return;
      }
      graph = new Graph3d(container, points, {
        width: '100%',
        height: '340px',
        style: 'surface',
        showPerspective: true,
        keepAspectRatio: false,
        verticalRatio: 0.7,
        xLabel: 'direction 1',
        yLabel: 'direction 2',
        zLabel: 'loss',
        cameraPosition: { horizontal: 0.9, vertical: 0.45, distance: 2.1 },
      });
    },
  };
}
