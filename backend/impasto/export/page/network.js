// A network in onnxruntime-web: on the graphics card where it paints rightly there, else by the processor.

import { readCodes } from "./codes.js";

const RUNTIMES = {
  // In its usual layout onnxruntime-web 1.30 computes the first convolution wrongly, without a word.
  gpu: { provider: { name: "webgpu", preferredLayout: "NCHW" }, module: "ort.webgpu.min.mjs", binary: "ort-wasm-simd-threaded.asyncify.wasm" },
  cpu: { provider: { name: "wasm" }, module: "ort.wasm.min.mjs", binary: "ort-wasm-simd-threaded.wasm" },
};
/** How near a painting has to come to the one that was written with the page, in dB. */
const FLOOR = 40;
/** More threads than that wait for one another. */
const MOST_THREADS = 8;
/** Of the 4 GB that WebAssembly can have, what one painting may take, and the share of the memory of a machine. */
const MOST_MEMORY = 3.4e9;
const SHARE = 0.4;
const USUAL_MEMORY = 8; // GB, where a browser does not say

const RUNTIME_FOLDER = new URL("runtime/", import.meta.url).href;
const folder = fetch("page.json").then((answer) => answer.json());

/**
 * Promise a network that has painted rightly, by its name; `compute` is "gpu", "cpu" or undefined, for what is there, and
 * `tell(kind, more)` hears how far it is.
 */
export async function load(name, compute, tell) {
  const { networks, runtime } = await folder;
  const facts = networks.find((one) => one.name === name) ?? networks[0];
  const codes = readCodes(await (await fetch(facts.codes)).json());
  const tries = compute === "gpu" || (!compute && (await hasCard())) ? ["gpu", "cpu"] : ["cpu"];
  let failed = null;
  for (const kind of tries) {
    const { module, binary } = RUNTIMES[kind];
    const files = [`runtime/${binary}`, facts.file];
    const sizes = [runtime[binary], facts.bytes];
    const [wasmBinary, model] = await fetchAll(files, sizes, (percent) => tell("fetching", { percent }));
    tell("checking");
    try {
      const ort = await import(RUNTIME_FOLDER + module);
      return await Network.open(ort, kind, { facts, codes, wasmBinary, model, failed });
    } catch (error) {
      failed = error;
    }
  }
  throw failed;
}

class Network {
  /** Open a session and see that it paints what was painted when the page was written. */
  static async open(ort, kind, { facts, codes, wasmBinary, model, failed }) {
    const threads = self.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, MOST_THREADS) : 1;
    Object.assign(ort.env.wasm, { numThreads: threads, wasmPaths: RUNTIME_FOLDER, wasmBinary });
    ort.env.logLevel = "error";
    const session = await ort.InferenceSession.create(model, {
      executionProviders: [RUNTIMES[kind].provider],
      // A graphics card leaves sizes to the processor, which it would warn of each time.
      logSeverityLevel: 3,
    });
    const network = new Network(ort, session, facts, codes);
    network.by = kind === "gpu" ? "the graphics card" : threads > 1 ? `${threads} threads of the processor` : "the processor";
    network.notes = failed ? [`The graphics card could not be used (${failed.message}), so the processor painted.`] : [];
    await network.#check();
    return network;
  }

  /** Milliseconds that the last painting took. */
  took = 0;

  constructor(ort, session, facts, codes) {
    Object.assign(this, { ort, session, facts, codes });
    this.least = facts.least;
    const memory = Math.min(MOST_MEMORY, (navigator.deviceMemory ?? USUAL_MEMORY) * SHARE * 2 ** 30);
    this.most = Math.floor(memory / facts.bytes_per_pixel);
  }

  /** Promise the painting of a photo, both as planes of red, green and blue from 0 to 1, in the style of a code. */
  async paint(planes, width, height, code) {
    const { Tensor } = this.ort;
    const began = performance.now();
    const image = new Tensor("float32", planes, [1, 3, height, width]);
    const { painting } = await this.session.run({ image, code: new Tensor("float32", code, [1, code.length]) });
    const painted = await painting.getData(true);
    this.took = performance.now() - began;
    return painted;
  }

  async #check() {
    const { width, height, style, photo, painting } = this.facts.reference;
    const [seen, wanted] = [photo, painting].map((text) => Float32Array.from(atob(text), (letter) => letter.charCodeAt(0) / 255));
    const { codes } = this.codes.get(style);
    const painted = await this.paint(seen, width, height, codes.at(-1));
    const error = painted.reduce((sum, value, at) => sum + (value - wanted[at]) ** 2, 0) / painted.length;
    const decibels = -10 * Math.log10(error);
    if (!(decibels > FLOOR)) throw new Error(`a trial came out wrong, ${decibels.toFixed(0)} dB from what it should be`);
  }

  release() {
    return this.session.release();
  }
}

/** Whether there is a graphics card, and not only a program that pretends to be one, which is slower than ours. */
async function hasCard() {
  try {
    const adapter = await navigator.gpu?.requestAdapter();
    return Boolean(adapter) && !adapter.info.isFallbackAdapter;
  } catch {
    return false;
  }
}

async function fetchAll(files, sizes, onPercent) {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  let come = 0;
  const one = async (file, at) => {
    const answer = await fetch(file);
    if (!answer.ok) throw new Error(`The file ${file} of this page is missing. Whoever put it here has to copy all of its folder.`);
    const bytes = new Uint8Array(sizes[at]);
    let filled = 0;
    for await (const part of parts(answer.body.getReader())) {
      bytes.set(part, filled);
      filled += part.length;
      come += part.length;
      onPercent(Math.floor((100 * come) / total));
    }
    return bytes;
  };
  return Promise.all(files.map(one));
}

// Not every browser can go through a stream by itself.
async function* parts(reader) {
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}
