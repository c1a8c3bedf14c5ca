// The paintings of this visit, to go back to.

import { element } from "./options.js";

export class Paintings {
  #list;
  #kept = [];
  current = null;

  /** `onShow(painting)` is told which one is to be seen, or null where none is left. */
  constructor(list, onShow) {
    this.#list = list;
    this.onShow = onShow;
    // Nobody should lose an evening's paintings by a slip of the hand.
    addEventListener("beforeunload", (event) => {
      if (this.#kept.some((painting) => !painting.isSaved)) event.preventDefault();
    });
  }

  /** A painting is {photo, blob, title, ...}. */
  add(painting) {
    painting.address = URL.createObjectURL(painting.blob);
    painting.button = element("button", { type: "button", ariaLabel: painting.title, title: painting.title });
    painting.button.append(element("img", { src: painting.address, alt: "" }));
    painting.button.addEventListener("click", () => this.show(painting));
    painting.item = element("li");
    painting.item.append(painting.button);
    this.#kept.push(painting);
    this.#list.append(painting.item);
    this.show(painting);
    painting.item.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  show(painting) {
    this.current = painting;
    for (const { button } of this.#kept) button.setAttribute("aria-current", String(button === painting?.button));
    this.#list.hidden = !this.#kept.length;
    this.onShow(painting);
  }

  /** Let go of the current one. */
  remove() {
    const at = this.#kept.indexOf(this.current);
    const [gone] = this.#kept.splice(at, 1);
    gone.item.remove();
    URL.revokeObjectURL(gone.address);
    this.show(this.#kept[Math.min(at, this.#kept.length - 1)] ?? null);
    this.current?.button.focus();
  }
}

/** Have the browser save something. */
export function save(blob, name) {
  const address = URL.createObjectURL(blob);
  element("a", { href: address, download: name }).click();
  setTimeout(URL.revokeObjectURL, 60_000, address);
}
