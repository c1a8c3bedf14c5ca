// The large picture: photo and painting under one another, with a slider that moves the line between them.

export class Stage {
  #get;
  #photo;
  #painting;

  /** `find` is how elements are found by their ids. */
  constructor(find) {
    this.#get = find;
    const cut = find("cut");
    const move = () => {
      find("picture").style.setProperty("--cut", `${cut.value}%`);
      cut.ariaValueText = `${cut.value} % photo`;
    };
    cut.addEventListener("input", move);
    move();
    find("before").addEventListener("click", () => this.showBefore(!this.#isBefore));
    // Only while the focus is on the picture: elsewhere a letter may be meant otherwise.
    find("stage").addEventListener("keydown", (event) => {
      if (event.key.toLowerCase() === "b" && !event.ctrlKey && !event.metaKey && !event.altKey) {
        this.showBefore(!this.#isBefore);
      }
    });
  }

  /** Show a photo alone; promises that it is there. */
  async showPhoto({ address, name }) {
    const coming = new Image();
    coming.src = address;
    await coming.decode();
    const photo = this.#get("photo");
    photo.src = address;
    photo.alt = `The photo ${name}`;
    this.#get("picture").style.setProperty("--ratio", coming.naturalWidth / coming.naturalHeight);
    this.#get("empty").hidden = true;
    this.#get("room").hidden = false;
  }

  showPainting(painting) {
    const image = this.#get("painting");
    this.#painting = painting;
    if (painting) Object.assign(image, { src: painting.address, alt: `The painting: ${painting.title}` });
    image.hidden = this.#get("cut").hidden = this.#get("tools").hidden = !painting;
    this.showBefore(false);
  }

  get #isBefore() {
    return this.#get("before").ariaPressed === "true";
  }

  showBefore(before) {
    if (!this.#painting) return;
    this.#get("before").ariaPressed = String(before);
    this.#get("painting").hidden = this.#get("cut").hidden = before;
  }
}
