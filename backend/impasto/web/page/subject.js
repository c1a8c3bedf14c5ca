// The subject of a photo: its outline, what is left out, and clicks on it.

const SIDE = 1280;

/** The subject of a photo at an address; `find(form)` promises its mask. It is asked for once. */
export class Subject {
  #address;
  #find;
  #sought = null;
  /** Its size, its alpha by pixels, and a canvas with it. */
  mask = null;
  /** Whether somebody has asked for it. */
  isKnown = false;

  constructor(address, find) {
    this.#address = address;
    this.#find = find;
  }

  /** Look for it; what was looked for before is not looked for again, unless that failed. */
  seek() {
    this.isKnown = true;
    this.#sought ??= this.#ask().catch((error) => {
      this.#sought = null;
      throw error;
    });
    return this.#sought;
  }

  get isSought() {
    return this.#sought !== null && this.mask === null;
  }

  get isThere() {
    return this.mask?.covers ?? false;
  }

  /** Whether a place, from 0 to 1 across and down, is part of it. */
  has(x, y) {
    if (!this.mask) return false;
    const { width, height, alpha } = this.mask;
    const at = (part, whole) => Math.min(whole - 1, Math.max(0, Math.floor(part * whole)));
    return alpha[at(y, height) * width + at(x, width)] > 127;
  }

  async #ask() {
    const form = new FormData();
    // A small copy: it is found at a small size anyway, and only to be looked at here.
    form.append("image", await smaller(this.#address), "photo.jpg");
    form.append("format", "png");
    const image = await createImageBitmap(await this.#find(form));
    const { width, height } = image;
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    const pixels = context.getImageData(0, 0, width, height);
    const alpha = new Uint8Array(width * height);
    for (let i = 0; i < alpha.length; i++) {
      alpha[i] = pixels.data[4 * i];
      pixels.data[4 * i + 3] = alpha[i] > 127 ? 255 : 0;
    }
    context.putImageData(pixels, 0, 0);
    this.mask = { width, height, alpha, canvas, covers: alpha.some((one) => one > 127) };
  }
}

/** Draw what will be painted: the outline of the subject, and a shade over what is left out. */
export function drawSubject(canvas, mask, area, isOutlined) {
  const context = canvas.getContext("2d");
  canvas.width = mask?.width ?? 1;
  canvas.height = mask?.height ?? 1;
  if (!mask?.covers) return;
  if (area !== "everything") drawShade(context, mask, area);
  if (isOutlined || area !== "everything") {
    // One bright line within a dark one is to be seen on any photo.
    const thickness = Math.max(mask.width, mask.height) / 400;
    context.drawImage(ring(mask, 2.2 * thickness, "#000c"), 0, 0);
    context.drawImage(ring(mask, 1.2 * thickness, "#fff"), 0, 0);
  }
}

function drawShade(context, { width, height, canvas }, area) {
  const shade = paper(width, height);
  shade.drawImage(canvas, 0, 0);
  shade.globalCompositeOperation = area === "subject" ? "source-out" : "source-in";
  shade.fillStyle = "#10121699";
  shade.fillRect(0, 0, width, height);
  context.drawImage(shade.canvas, 0, 0);
}

/** The mask drawn all around itself and taken out in the middle. */
function ring({ width, height, canvas }, radius, color) {
  const context = paper(width, height);
  for (let turn = 0; turn < 2 * Math.PI; turn += Math.PI / 8) {
    context.drawImage(canvas, radius * Math.cos(turn), radius * Math.sin(turn));
  }
  context.globalCompositeOperation = "destination-out";
  context.drawImage(canvas, 0, 0);
  context.globalCompositeOperation = "source-in";
  context.fillStyle = color;
  context.fillRect(0, 0, width, height);
  return context.canvas;
}

const paper = (width, height) => new OffscreenCanvas(width, height).getContext("2d");

async function smaller(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  const scale = Math.min(1, SIDE / Math.max(image.naturalWidth, image.naturalHeight));
  const width = Math.max(1, Math.round(scale * image.naturalWidth));
  const height = Math.max(1, Math.round(scale * image.naturalHeight));
  const context = paper(width, height);
  context.drawImage(image, 0, 0, width, height);
  return context.canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
}
