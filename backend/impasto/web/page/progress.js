// How far a painting is: a bar for the eye, and now and then a sentence for the ear.

export class Progress {
  #find;
  #told = "";

  constructor(find) {
    this.#find = find;
  }

  begin(words) {
    this.#find("progress").hidden = this.#find("cancel").hidden = false;
    this.#find("paint").hidden = true;
    this.#find("cancel").focus();
    this.show(words, 0);
  }

  /** How much of the photo has gone, from 0 to 1. */
  sent(part) {
    if (part < 1) this.show(`Sending the photo, ${Math.round(100 * part)} %`, part, "Sending the photo");
    else this.show("The photo is there", null);
  }

  /** What the server tells of the job. */
  at({ state, place, fraction, doing }) {
    if (state === "queued") {
      const words = place ? `Waiting; ${place} before this one` : "Waiting for its turn";
      this.show(words, null);
    } else if (state === "running") {
      const percent = Math.round(100 * fraction);
      const words = doing ? doing[0].toUpperCase() + doing.slice(1) : "Painting";
      // Somebody who listens wants to know of quarters, not of percents.
      this.show(`${words}, ${percent} %`, fraction, `${words}, ${25 * Math.floor(percent / 25)} %`);
    }
  }

  end(words) {
    const hadFocus = this.#find("cancel") === document.activeElement;
    this.#find("progress").hidden = this.#find("cancel").hidden = true;
    this.#find("paint").hidden = false;
    // To the line between photo and painting, if there is one now.
    if (hadFocus) this.#find(this.#find("cut").hidden ? "paint" : "cut").focus();
    this.#tell(words);
  }

  /** What is done, how much of it (from 0 to 1; null if nobody knows), and what somebody who listens is told. */
  show(words, part, told = words) {
    this.#find("said").textContent = words;
    const bar = this.#find("bar");
    if (part === null) bar.removeAttribute("value");
    else bar.value = part;
    this.#tell(told);
  }

  #tell(words) {
    if (words !== this.#told) this.#find("status").textContent = this.#told = words;
  }
}
