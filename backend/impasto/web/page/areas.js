// Where to paint: three buttons, and the same by clicks on the photo.

import { drawSubject } from "./subject.js";
import { element } from "./options.js";

const CAPTIONS = {
  everything: "Click to paint everything again",
  subject: "Click to paint the subject only",
  background: "Click to paint the background only",
};

export class Areas {
  #find;
  #subject = null;
  #pointer = null;
  #pointed = null;
  #focused = false;

  /** `onChange(area)` is told what was chosen, and `onProblem(error)` why no subject was found. */
  constructor(find, choices, onChange, onProblem) {
    this.#find = find;
    Object.assign(this, { onChange, onProblem });
    for (const { value, title, tip } of choices) find("areas").append(this.#button(value, title, tip));
    const picture = find("picture");
    picture.addEventListener("pointermove", (event) => this.#point(event));
    picture.addEventListener("pointerleave", () => this.#point(null));
    picture.addEventListener("click", (event) => this.#click(event));
    find("areas").addEventListener("focusin", () => this.#focus(true));
    find("areas").addEventListener("focusout", () => this.#focus(false));
    find("cut").addEventListener("input", () => this.#point(null));
  }

  get value() {
    return this.#find("areas").querySelector(":checked").value;
  }

  /** What was chosen, as a person reads it, if it is not everything. */
  get words() {
    return this.value === "everything" ? [] : [this.value];
  }

  /** From now on it is about the subject of another photo. */
  of(subject) {
    this.#subject = subject;
    this.#pointed = null;
    if (this.value !== "everything") this.#look();
    this.draw();
  }

  draw() {
    const isShown = this.#focused || this.#pointed !== null;
    // Over a painting it would be in the way, unless somebody is about to choose.
    const area = isShown || this.#find("painting").hidden ? this.value : "everything";
    drawSubject(this.#find("outline"), this.#subject?.mask, area, isShown);
    this.#find("stage").classList.toggle("has-subject", Boolean(this.#subject?.isThere));
    this.#find("caption").textContent = this.#caption();
  }

  #caption() {
    if (!this.#subject) return "";
    if (this.#subject.isSought) return "Looking for the subject…";
    if (this.#subject.mask && !this.#subject.isThere) return "There is no subject to be found in this photo.";
    return CAPTIONS[this.#pointed] ?? "";
  }

  #button(value, title, tip) {
    const label = element("label", { title: tip ?? "" });
    const input = element("input", { type: "radio", name: "area", value, checked: value === "everything" });
    input.addEventListener("change", () => this.#choose(value));
    label.append(input, title);
    return label;
  }

  #choose(area) {
    this.#find("areas").querySelector(`[value="${area}"]`).checked = true;
    if (area !== "everything") this.#look();
    this.#pointed = null;
    this.draw();
    this.onChange(area);
  }

  /** What a click at that place would choose. */
  #under(event) {
    const box = this.#find("picture").getBoundingClientRect();
    const isSubject = this.#subject?.has((event.clientX - box.x) / box.width, (event.clientY - box.y) / box.height);
    const area = isSubject ? "subject" : "background";
    return area === this.value ? "everything" : area;
  }

  async #click(event) {
    if (!this.#subject || event.target === this.#find("cut")) return;
    await this.#look();
    if (this.#subject.isThere) this.#choose(this.#under(event));
  }

  #point(event) {
    this.#pointer = event;
    if (event && !this.#subject?.isKnown) this.#look();
    const pointed = event && this.#subject?.isThere ? this.#under(event) : null;
    if (pointed === this.#pointed) return;
    this.#pointed = pointed;
    this.draw();
  }

  #focus(focused) {
    this.#focused = focused && document.activeElement.matches(":focus-visible");
    if (this.#focused) this.#look();
    this.draw();
  }

  async #look() {
    const subject = this.#subject;
    if (!subject || subject.mask) return;
    const sought = subject.seek();
    this.draw();
    await sought.catch(this.onProblem);
    if (subject !== this.#subject) return;
    this.#point(this.#pointer);
    this.draw();
  }
}
