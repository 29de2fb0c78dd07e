/**
 * SVG to PNG at 300 dots per inch, in the browser: a figure of 7 inches becomes 2,100 pixels wide and says so in its
 * pHYs chunk. The browser draws our own SVG, which fetches nothing. Left out: Node, which has no canvas.
 */
import { crc32Bytes } from '../core/crc32.ts';

export const PRINT_DPI = 300;
const CSS_DPI = 96;
const INCHES_PER_METRE = 1 / 0.0254;

/** Signature and IHDR: every PNG starts with these 33 bytes, and pHYs has to follow before the picture's data. */
const HEADER_BYTES = 33;
const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/**
 * The same picture with its resolution written in.
 * @throws Error when the bytes are no PNG
 */
export function withResolution(png: Uint8Array, dpi: number): Uint8Array<ArrayBuffer> {
  if (png.length < HEADER_BYTES || SIGNATURE.some((byte, i) => png[i] !== byte)) {
    throw new Error(`These ${png.length} bytes are no PNG, so no resolution can be written into them.`);
  }
  const perMetre = Math.round(dpi * INCHES_PER_METRE);
  const chunk = new Uint8Array(21);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, 9);
  chunk.set(new TextEncoder().encode('pHYs'), 4);
  view.setUint32(8, perMetre);
  view.setUint32(12, perMetre);
  view.setUint8(16, 1);
  view.setUint32(17, crc32Bytes(chunk.subarray(4, 17)));
  const whole = new Uint8Array(png.length + chunk.length);
  whole.set(png.subarray(0, HEADER_BYTES));
  whole.set(chunk, HEADER_BYTES);
  whole.set(png.subarray(HEADER_BYTES), HEADER_BYTES + chunk.length);
  return whole;
}

/** @throws Error with one sentence when the browser cannot draw or encode the picture */
export async function pngOf(svg: string, dpi = PRINT_DPI): Promise<Blob> {
  const url = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = Math.round((image.naturalWidth * dpi) / CSS_DPI);
    canvas.height = Math.round((image.naturalHeight * dpi) / CSS_DPI);
    canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
    if (blob === null)
      throw new Error('The browser could not encode the picture as PNG: save the SVG instead.');
    return new Blob([withResolution(new Uint8Array(await blob.arrayBuffer()), dpi)], { type: 'image/png' });
  } finally {
    URL.revokeObjectURL(url);
  }
}
