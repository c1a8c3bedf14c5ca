// Photos from files to planes of numbers, and back into pictures.

/**
 * Read a photo as it is shown: upright, in sRGB, on white; smaller if it has more than `most` pixels.
 * `least` is the least side. Promises `{width, height, pixels, notes}`, of pixels the RGBA bytes.
 */
export async function read(file, least, most) {
  const notes = [];
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw problem(`${file.name} is no picture that this browser can read, or it is damaged.`);
  }
  let { width, height } = bitmap;
  if (Math.min(width, height) < least) {
    throw problem(`The photo is ${width} x ${height} pixels; it has to be at least ${least} x ${least}.`);
  }
  if (width * height > most) {
    const factor = Math.sqrt(most / (width * height));
    const small = [Math.max(least, Math.floor(width * factor)), Math.max(least, Math.floor(height * factor))];
    const size = `${(width * height / 1e6).toFixed(1)} megapixels`;
    notes.push(`The photo has ${size}, more than this browser can paint: the painting is smaller, ${small[0]} x ${small[1]} pixels.`);
    [width, height] = small;
  }
  const canvas = contextOf(width, height);
  canvas.imageSmoothingQuality = "high";
  canvas.fillStyle = "white";
  canvas.fillRect(0, 0, width, height);
  canvas.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return { width, height, pixels: canvas.getImageData(0, 0, width, height).data, notes };
}

/** Planes of red, green and blue from 0 to 1. */
export function planesOf({ pixels }) {
  const count = pixels.length / 4;
  const planes = new Float32Array(3 * count);
  for (let at = 0; at < count; at++) {
    for (let channel = 0; channel < 3; channel++) planes[channel * count + at] = pixels[4 * at + channel] / 255;
  }
  return planes;
}

/** The painting, planes as of `planesOf`, over the photo; how much of it shows is its opacity. */
export function overlaid({ width, height, pixels }, planes, opacity) {
  const count = width * height;
  const mixed = new Uint8ClampedArray(pixels);
  for (let at = 0; at < count; at++) {
    for (let channel = 0; channel < 3; channel++) {
      const here = 4 * at + channel;
      const seen = pixels[here] + opacity * (255 * planes[channel * count + at] - pixels[here]);
      mixed[here] = Math.floor(seen + 0.5);
    }
  }
  return new ImageData(mixed, width, height);
}

/** Promises a PNG. */
export function pictureOf(image) {
  const canvas = contextOf(image.width, image.height);
  canvas.putImageData(image, 0, 0);
  return canvas.canvas.convertToBlob({ type: "image/png" });
}

function contextOf(width, height) {
  // Asked for once and for all: browsers read pixels back faster so.
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("This browser has no memory left for a picture of that size.");
  return context;
}

const problem = (message) => Object.assign(new Error(message), { place: "photo" });
