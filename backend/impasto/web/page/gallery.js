// The styles as a gallery in tabs. One tile of a tab can be reached with Tab, the others with the arrow keys.

import { element } from "./options.js";

const YOURS = "Yours";
export const KINDS = ["Paintings", "Techniques", YOURS];
/** Most techniques come in one bank; a painting has a painter; what else there is a person has kept or trained. */
export const kindOf = (style) => (style.bank === "techniques" ? "Techniques" : style.artist ? "Paintings" : YOURS);

export class Gallery {
  #tabs;
  #lists = new Map();
  #tiles = new Map();
  #pictures = 0;

  /** `onPick(style, beside)` is told which style was picked, and whether beside those before; `kinds` are the tabs. */
  constructor(tabs, panels, onPick, kinds = KINDS) {
    this.#tabs = tabs;
    this.onPick = onPick;
    for (const kind of kinds) this.#addTab(kind, panels);
    tabs.addEventListener("keydown", (event) => moveWithin(event, [...tabs.children]));
    this.#open(kinds[0]);
  }

  /** Show styles of the library; `thumbnail(style)` promises the address of a picture. */
  show(styles, thumbnail) {
    for (const style of styles) {
      const image = this.#addTile(kindOf(style), style);
      thumbnail(style).then((address) => (image.src = address), () => image.remove());
    }
  }

  /** A picture of the user's becomes a style, under a name that no style of the library has. */
  addPicture(file) {
    const style = { name: `yours ${++this.#pictures}`, title: file.name.replace(/\.[^.]*$/, ""), file };
    this.#addTile(YOURS, style).src = URL.createObjectURL(file);
    this.#open(YOURS);
    return style;
  }

  /** The tile that asks for a picture. */
  offerPicture(onWish) {
    const list = this.#lists.get(YOURS);
    const button = element("button", { type: "button", className: "add", textContent: "Add a picture…" });
    button.addEventListener("click", onWish);
    const words = element("p", { textContent: "Any picture can be a style: drop it here, or choose one." });
    list.before(words, button);
  }

  mark(names) {
    for (const [name, tile] of this.#tiles) tile.ariaSelected = String(names.includes(name));
    for (const list of this.#lists.values()) {
      const tiles = [...list.children];
      const reached = tiles.find((tile) => tile.ariaSelected === "true") ?? tiles[0];
      for (const tile of tiles) tile.tabIndex = tile === reached ? 0 : -1;
    }
  }

  #addTab(kind, panels) {
    const tab = element("button", { type: "button", role: "tab", id: `tab-${kind}`, textContent: kind });
    const panel = element("div", { role: "tabpanel", id: `panel-${kind}` });
    const list = element("div", { className: "tiles", role: "listbox", ariaLabel: kind, ariaMultiSelectable: "true" });
    tab.setAttribute("aria-controls", panel.id);
    panel.setAttribute("aria-labelledby", tab.id);
    tab.addEventListener("click", () => this.#open(kind));
    tab.addEventListener("focus", () => this.#open(kind));
    list.addEventListener("keydown", (event) => moveWithin(event, [...list.children], columnsOf(list)));
    panel.append(list);
    this.#tabs.append(tab);
    panels.append(panel);
    this.#lists.set(kind, list);
  }

  #open(kind) {
    for (const tab of this.#tabs.children) {
      const chosen = tab.textContent === kind;
      tab.ariaSelected = String(chosen);
      tab.tabIndex = chosen ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !chosen;
    }
  }

  #addTile(kind, style) {
    const image = element("img", { alt: "", width: 192, height: 192, decoding: "async" });
    const title = element("span", { className: "title", textContent: style.title });
    const tile = element("div", { role: "option", className: "tile", tabIndex: -1, ariaSelected: "false" });
    tile.title = [style.title, style.artist, style.year].filter(Boolean).join(", ");
    tile.ariaLabel = tile.title;
    tile.append(image, title);
    const pick = (event) => this.onPick(style, event.ctrlKey || event.metaKey || event.shiftKey);
    tile.addEventListener("click", pick);
    tile.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      pick(event);
    });
    this.#lists.get(kind).append(tile);
    this.#tiles.set(style.name, tile);
    return image;
  }
}

function columnsOf(list) {
  return [...list.children].filter((tile) => tile.offsetTop === list.firstElementChild.offsetTop).length;
}

/** Arrow keys, Home and End move the focus among elements of which only one can be reached with Tab. */
function moveWithin(event, elements, columns = 1) {
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
  const here = elements.indexOf(document.activeElement);
  const ends = { Home: 0, End: elements.length - 1 };
  const there = ends[event.key] ?? here + (steps[event.key] ?? NaN);
  if (here < 0 || !elements[there]) return;
  event.preventDefault();
  for (const element of elements) element.tabIndex = -1;
  elements[there].tabIndex = 0;
  elements[there].focus();
}
