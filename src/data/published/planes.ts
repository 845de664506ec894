/** Bytes [channels, height, width], as CIFAR stores them, to [height, width, channels]. */
export function planesToPixels(planes: Uint8Array, channels: number): Uint8Array {
  const area = planes.length / channels;
  const pixels = new Uint8Array(planes.length);
  for (let channel = 0; channel < channels; channel++) {
    const from = channel * area;
    for (let i = 0; i < area; i++) pixels[i * channels + channel] = planes[from + i]!;
  }
  return pixels;
}

/** The way back: [height, width, channels] to [channels, height, width], written into `planes`. */
export function pixelsToPlanes(pixels: Uint8Array, channels: number, planes: Uint8Array): void {
  const area = pixels.length / channels;
  for (let channel = 0; channel < channels; channel++) {
    const to = channel * area;
    for (let i = 0; i < area; i++) planes[to + i] = pixels[i * channels + channel]!;
  }
}
