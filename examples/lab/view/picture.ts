import { type Picture, SIDE } from '../protocol';

/** A picture of more pixels a side is refused before it is decoded. */
const LARGEST_SIDE = 8192;

/** A picture file as 28×28 grey values in 0..1; throws an Error that says why it can't be shown. */
export async function readPicture(file: File): Promise<Picture> {
  const url = URL.createObjectURL(file);
  try {
    const image = new Image();
    await new Promise<void>((resolve, reject) => {
      image.onload = () => resolve();
      image.onerror = () =>
        reject(new Error(`${file.name} is no picture that this browser can read; choose a PNG or JPEG`));
      image.src = url;
    });
    const { naturalWidth: width, naturalHeight: height } = image;
    if (width > LARGEST_SIDE || height > LARGEST_SIDE)
      throw new Error(
        `${file.name} has ${width}×${height} pixels; at most ${LARGEST_SIDE} a side, make it smaller first`,
      );
    const canvas = new OffscreenCanvas(SIDE, SIDE);
    const context = canvas.getContext('2d')!;
    const scale = Math.min(SIDE / width, SIDE / height);
    context.imageSmoothingQuality = 'high';
    context.fillRect(0, 0, SIDE, SIDE);
    context.drawImage(image, (SIDE - width * scale) / 2, (SIDE - height * scale) / 2, width * scale, height * scale);
    const { data } = context.getImageData(0, 0, SIDE, SIDE);
    return Float32Array.from(
      { length: SIDE * SIDE },
      (_, i) => (0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2]) / 255,
    );
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Draws 28×28 grey values on a canvas of that size. */
export function drawPicture(canvas: HTMLCanvasElement, picture: Picture): void {
  const pixels = new ImageData(SIDE, SIDE);
  picture.forEach((value, i) => {
    pixels.data.set([255 * value, 255 * value, 255 * value, 255], 4 * i);
  });
  canvas.getContext('2d')!.putImageData(pixels, 0, 0);
}
