/** SVG to PNG at 300 dots per inch. The picture is drawn by the browser from our own SVG, which fetches nothing. */

const DPI = 300;
const CSS_DPI = 96;
const METRE_IN_INCHES = 39.3701;
const PNG_HEADER_BYTES = 33;

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** Puts a pHYs chunk behind the header, so that the file says how large it is on paper. */
export function withResolution(png: Uint8Array<ArrayBuffer>, dpi: number): Uint8Array<ArrayBuffer> {
  const perMetre = Math.round(dpi * METRE_IN_INCHES);
  const chunk = new Uint8Array(21);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, 9);
  chunk.set(new TextEncoder().encode('pHYs'), 4);
  view.setUint32(8, perMetre);
  view.setUint32(12, perMetre);
  view.setUint8(16, 1);
  view.setUint32(17, crc32(chunk.subarray(4, 17)));
  const whole = new Uint8Array(png.length + chunk.length);
  whole.set(png.subarray(0, PNG_HEADER_BYTES));
  whole.set(chunk, PNG_HEADER_BYTES);
  whole.set(png.subarray(PNG_HEADER_BYTES), PNG_HEADER_BYTES + chunk.length);
  return whole;
}

/** @throws Error with one sentence when the browser can't draw or encode the picture. */
export async function pngOf(svg: string): Promise<Blob> {
  const url = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement('canvas');
    const scale = DPI / CSS_DPI;
    canvas.width = Math.round(image.naturalWidth * scale);
    canvas.height = Math.round(image.naturalHeight * scale);
    canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
    if (blob === null)
      throw new Error('The browser could not encode the picture as PNG: save the SVG instead.');
    const bytes = withResolution(new Uint8Array(await blob.arrayBuffer()), DPI);
    return new Blob([bytes], { type: 'image/png' });
  } finally {
    URL.revokeObjectURL(url);
  }
}
