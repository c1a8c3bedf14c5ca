// Which styles were picked, and how much each of several counts.

import { element } from "./options.js";

export class Mixture {
  #styles = new Map();
  #rows;
  #button;

  /** Rows come into `rows` where there are several; `button` says that the next style is to come beside the others. */
  constructor(rows, button, onChange) {
    this.#rows = rows;
    this.#button = button;
    this.onChange = onChange;
    button.addEventListener("click", () => {
      this.#mixing = !this.#mixing;
      if (!this.#mixing) this.#keep([...this.#styles.values()].slice(0, 1));
    });
  }

  get styles() {
    return [...this.#styles.values()];
  }

  get names() {
    return [...this.#styles.keys()];
  }

  /** In a few words. */
  get title() {
    return this.styles.map((style) => style.title).join(" + ");
  }

  pick(style, beside) {
    if (beside && this.#styles.size) this.#mixing = true;
    if (!this.#mixing) this.#keep([style]);
    else if (!this.#styles.has(style.name)) this.#keep([...this.styles, { weight: 1, ...style }]);
    else if (this.#styles.size > 1) this.#keep(this.styles.filter((one) => one.name !== style.name));
  }

  /** As the fields of a request say it. Pictures are files whose names are the names of the styles. */
  addTo(form) {
    for (const { name, weight = 1, file } of this.styles) {
      form.append("style", this.#styles.size > 1 ? `${name}:${weight}` : name);
      if (file) form.append("picture", file, name + (file.name.match(/\.[^.]*$/)?.[0] ?? ""));
    }
  }

  get #mixing() {
    return this.#button.ariaPressed === "true";
  }

  set #mixing(mixing) {
    this.#button.ariaPressed = String(mixing);
  }

  #keep(styles) {
    this.#styles = new Map(styles.map((style) => [style.name, style]));
    this.#rows.replaceChildren(...(styles.length > 1 ? styles.map((style) => this.#row(style)) : []));
    this.onChange();
  }

  #row(style) {
    const row = element("div", { className: "option mixed" });
    const id = `weight-${style.name.replaceAll(" ", "-")}`;
    const label = element("label", { htmlFor: id, textContent: style.title });
    const weight = element("input", { type: "range", id, min: 0.1, max: 2, step: 0.1, value: style.weight ?? 1 });
    weight.ariaLabel = `How much of ${style.title}`;
    weight.addEventListener("input", () => (style.weight = Number(weight.value)));
    const drop = element("button", { type: "button", textContent: "×", ariaLabel: `Without ${style.title}` });
    drop.addEventListener("click", () => this.#keep(this.styles.filter((one) => one.name !== style.name)));
    row.append(label, weight, drop);
    return row;
  }
}
