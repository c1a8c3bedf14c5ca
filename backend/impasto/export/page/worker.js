// Paints, where the page does not wait for it. A message is a wish of `Painter`; answers are of a `kind`.

import { codeOf } from "./codes.js";
import { load } from "./network.js";
import { overlaid, pictureOf, planesOf, read } from "./pixels.js";

/** What browsers say when there is no more memory. */
const NO_MEMORY = /memory|alloc|RangeError|array length|out of bounds/i;

const tell = (kind, more = {}) => postMessage({ kind, ...more });
let loaded = null; // a network, and what it was loaded for
let last = null; // what was painted last, of which other strengths are made at once

onmessage = async ({ data: wish }) => {
  let pixels = 0;
  try {
    const network = await networkFor(wish);
    const photo = await read(wish.file, network.least, Math.min(wish.most, network.most));
    pixels = photo.width * photo.height;
    const { code, opacity } = codeOf(network.codes, wish.styles, wish.strength);
    if (last?.file !== wish.file || last.pixels !== pixels || !isSame(last.code, code)) {
      tell("painting", { pixels, by: network.by });
      last = null;
      last = { file: wish.file, pixels, code, painting: await network.paint(planesOf(photo), photo.width, photo.height, code) };
    }
    const blob = await pictureOf(overlaid(photo, last.painting, opacity));
    tell("painted", { blob, notes: [...photo.notes, ...network.notes], by: network.by, took: network.took, pixels });
  } catch (error) {
    const message = error.message ?? String(error);
    const code = pixels && NO_MEMORY.test(`${error.name} ${message}`) ? "memory" : "";
    tell("failed", { message, place: error.place, code, pixels });
  }
};

async function networkFor({ network, compute }) {
  if (!loaded || loaded.name !== network || loaded.compute !== compute) {
    await loaded?.network.release();
    loaded = last = null;
    loaded = { name: network, compute, network: await load(network, compute, tell) };
  }
  return loaded.network;
}

const isSame = (one, other) => one.every((value, at) => value === other[at]);
