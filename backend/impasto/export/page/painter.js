// Has photos painted by a worker, tells how far that is, and tries again smaller where the memory does not suffice.

/** Below that many pixels it is not the size of the photo that is wrong. */
const SMALL = 2 ** 18;

export class Painter {
  #worker = null;
  #most = Infinity; // pixels; less as soon as something did not fit
  #pace = new Map(); // milliseconds per pixel, by what paints with what

  /**
   * Paint a wish, `{file, styles, strength, network, compute}`; promises `{blob, notes}`. `signal` ends it; `onSaid` gets
   * words, how much is done (from 0 to 1, or null), and what somebody who listens is told.
   */
  async paint(wish, signal, onSaid) {
    for (;;) {
      try {
        return await this.#ask({ ...wish, most: this.#most }, signal, onSaid);
      } catch (error) {
        if (error.code !== "memory" || error.pixels < SMALL) throw error;
        // Half of it, in a memory that is new.
        this.#most = error.pixels / 2;
        this.#end();
      }
    }
  }

  #ask(wish, signal, onSaid) {
    const worker = (this.#worker ??= new Worker(new URL("worker.js", import.meta.url), { type: "module" }));
    const clock = new Clock(onSaid);
    const { promise, resolve, reject } = Promise.withResolvers();
    const fail = (message) => {
      this.#end();
      reject(new Error(message));
    };
    const cancel = () => fail("Cancelled.");
    signal.addEventListener("abort", cancel);
    worker.onerror = ({ message }) => fail(`What paints on this page has failed: ${message ?? "a file of it is missing"}.`);
    worker.onmessage = ({ data }) => {
      const { kind, percent, pixels, by, took, message } = data;
      if (kind === "fetching") onSaid(`Fetching the network, ${percent} %`, percent / 100, "Fetching the network");
      else if (kind === "checking") onSaid("Trying the network", null);
      else if (kind === "painting") clock.begin(pixels, this.#pace.get(wish.network + by));
      else if (kind === "failed") reject(Object.assign(new Error(message), data));
      else {
        this.#pace.set(wish.network + by, took / pixels);
        const time = `Painted in ${inWords(took)} by ${by}.`;
        resolve({ ...data, notes: [...data.notes, time] });
      }
    };
    worker.postMessage(wish);
    return promise.finally(() => {
      clock.end();
      signal.removeEventListener("abort", cancel);
    });
  }

  #end() {
    this.#worker?.terminate();
    this.#worker = null;
  }
}

/** Tells how long a painting will take: a network computes it in one piece, and says nothing meanwhile. */
class Clock {
  #say;
  #timer = 0;

  constructor(say) {
    this.#say = say;
  }

  /** `pace` is known from the last painting, in milliseconds per pixel; of the first nobody can tell. */
  begin(pixels, pace) {
    const began = performance.now();
    const told = `Painting ${(pixels / 1e6).toFixed(1)} megapixels`;
    const tell = () => {
      const gone = performance.now() - began;
      const left = pace * pixels - gone;
      if (!pace) this.#say(`${told}, ${inWords(gone)} so far`, null, told);
      else this.#say(`${told}, ${left > 500 ? `about ${inWords(left)}` : "a moment"} more`, Math.min(0.99, gone / (gone + left)), told);
    };
    tell();
    this.#timer = setInterval(tell, 500);
  }

  end() {
    clearInterval(this.#timer);
  }
}

function inWords(milliseconds) {
  const seconds = Math.ceil(milliseconds / 1000);
  if (seconds > 100) return `${Math.round(seconds / 60)} minutes`;
  return seconds === 1 ? "1 second" : `${seconds} seconds`;
}
