// Rows for options, made from what the server says of its parameters: a new one shows up here by itself.

/** What is always to be seen; the rest is for those who look for more. */
const FIRST = ["strength", "brush", "keep_colors"];
/** What has a place of its own on the page, or is the server's business. */
const ELSEWHERE = ["area", "device", "flatten", "max_side"];
/** Counts only where somebody has chosen the subject or the background. */
const WHERE = "where";
const STEPS = 100;

export class Options {
  #rows = new Map();

  constructor(first, more, parameters) {
    for (const parameter of parameters) {
      const make = KINDS[parameter.kind];
      if (!make || parameter.expert || ELSEWHERE.includes(parameter.name)) continue;
      const row = make(parameter);
      row.element.className = `option ${parameter.kind}`;
      (FIRST.includes(parameter.name) ? first : more).append(row.element);
      this.#rows.set(parameter.name, { ...row, parameter });
    }
    this.reset();
  }

  /** What was chosen and is not as usual, by name. */
  get chosen() {
    const there = [...this.#rows.values()].filter((row) => !row.element.hidden && row.get() !== row.usual);
    return Object.fromEntries(there.map((row) => [row.parameter.name, row.get()]));
  }

  /** What was chosen, as a person reads it. */
  get words() {
    return Object.keys(this.chosen).map((name) => this.#rows.get(name).words());
  }

  reset() {
    for (const row of this.#rows.values()) row.set(row.parameter.default);
  }

  showFor(area) {
    for (const row of this.#rows.values()) row.element.hidden = row.parameter.group === WHERE && area === "everything";
  }
}

const KINDS = { number: slider, choice: select, name: select, switch: tick };

function slider(parameter) {
  const scale = new Scale(parameter);
  const input = element("input", { type: "range", min: 0, max: STEPS, ...named(parameter) });
  const output = element("span", { className: "value", ariaHidden: "true" });
  const show = () => {
    output.textContent = input.ariaValueText = scale.text(value());
  };
  const value = () => scale.at(input.value / STEPS);
  input.addEventListener("input", show);
  const set = (wanted) => {
    input.value = Math.round(STEPS * scale.place(wanted));
    show();
  };
  const words = () => `${parameter.title.toLowerCase()} ${output.textContent}`;
  return { element: row(parameter, input, output), get: value, set, words, usual: parameter.default };
}

function select(parameter) {
  const choices = parameter.choices ?? [];
  const input = element("select", named(parameter));
  if (parameter.default === null) input.append(element("option", { value: "", textContent: "No" }));
  for (const { value, title, tip } of choices) {
    input.append(element("option", { value, textContent: title, title: tip ?? "" }));
  }
  const set = (wanted) => (input.value = wanted ?? "");
  const words = () => `${parameter.title.toLowerCase()} ${input.selectedOptions[0].textContent.toLowerCase()}`;
  const made = row(parameter, input);
  return { element: made, get: () => input.value, set, words, usual: parameter.default ?? "" };
}

function tick(parameter) {
  const input = element("input", { type: "checkbox", ...named(parameter) });
  const words = () => parameter.title.toLowerCase();
  const made = row(parameter, input);
  return { element: made, get: () => input.checked, set: (wanted) => (input.checked = wanted), words, usual: false };
}

const named = (parameter) => ({ id: `option-${parameter.name}`, title: parameter.tip ?? "" });

function row(parameter, input, ...more) {
  const made = element("div");
  made.append(element("label", { htmlFor: input.id, textContent: parameter.title, title: input.title }), ...more, input);
  return made;
}

export function element(tag, properties = {}) {
  return Object.assign(document.createElement(tag), properties);
}

/** Where values lie on a slider: evenly, by their logarithm, or finer near 0; as in impasto_link.parameters. */
class Scale {
  constructor({ scale = "even", least, most, slider, unit = "" }) {
    const [there, back] = SCALES[scale];
    const [start, end] = (slider ?? [least, most]).map(there);
    this.place = (value) => (there(value) - start) / (end - start);
    // As it is read: nobody can want the digits behind that.
    this.at = (place) => Math.round(back(start + place * (end - start)) * 100) / 100;
    this.text = (value) => `${unit === "%" ? Math.round(100 * value) : value} ${unit}`.trim();
  }
}

const SCALES = {
  even: [(value) => value, (even) => even],
  log: [Math.log, Math.exp],
  square: [(value) => Math.sign(value) * Math.sqrt(Math.abs(value)), (even) => Math.sign(even) * even * even],
};
