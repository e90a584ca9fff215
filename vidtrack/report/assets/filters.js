// Filters and order of the tracks.

const ORDERS = {
  time: (a, b) => a.first - b.first || a.id - b.id,
  id: (a, b) => a.id - b.id,
  length: (a, b) => b.length - a.length || a.id - b.id,
  score: (a, b) => b.score - a.score || a.id - b.id,
};

class Filters {
  constructor(root, log, changed) {
    this.root = root;
    this.log = log;
    this.classes = new Set(log.tracks.map(({ cls }) => cls));
    this.all = this.classes.size;
    this.longest = log.tracks.reduce((most, { length }) => Math.max(most, length), 0);
    this.find = (name) => root.querySelector(`[name=${name}]`);
    this.#classes(changed);
    for (const name of ["words", "length", "score", "order"]) {
      this.find(name).addEventListener("input", () => this.#take(changed));
    }
    root.querySelector(".reset").addEventListener("click", () => {
      this.reset();
      this.#take(changed);
    });
    this.#take(() => {});
  }

  get active() {
    return this.words !== "" || this.length > 0 || this.score > 0 || this.classes.size < this.all;
  }

  /** True if command-line options can express the filters: classes and length can, words and scores cannot. */
  get sayable() {
    const named = this.classes.size === this.all || this.names.every((name) => name?.trim() === name && !/^-|^$|,/.test(name));
    return this.words === "" && this.score === 0 && named;
  }

  /** Names of the shown classes; undefined if the log has none. */
  get names() {
    return [...this.classes].map((cls) => this.log.meta.classes[cls]);
  }

  passes(track) {
    return (
      this.classes.has(track.cls) &&
      track.length >= this.length - 1e-6 &&
      track.score >= this.score &&
      (this.words === "" || track.name.toLowerCase().includes(this.words))
    );
  }

  sorted(tracks) {
    return tracks.filter((track) => this.passes(track)).sort(ORDERS[this.find("order").value]);
  }

  reset() {
    this.find("words").value = "";
    this.find("length").value = this.find("score").value = 0;
    for (const chip of this.root.querySelectorAll(".chip")) {
      chip.ariaPressed = "true";
      this.classes.add(Number(chip.value));
    }
  }

  #take(changed) {
    this.words = this.find("words").value.trim().toLowerCase();
    this.score = Number(this.find("score").value) / 100;
    const share = Number(this.find("length").value) / 100; // squared: most tracks are short
    this.length = Math.round(share * share * this.longest * 20) / 20;
    this.#say("length", this.length ? `${this.length.toFixed(2)} s` : "any");
    this.#say("score", this.score ? this.score.toFixed(2) : "any");
    this.root.querySelector(".reset").hidden = !this.active;
    changed();
  }

  #say(name, value) {
    this.root.querySelector(`.${name}-value`).textContent = this.find(name).ariaValueText = value;
  }

  #classes(changed) {
    const counts = new Map();
    for (const { cls, label } of this.log.tracks) counts.set(cls, [label, (counts.get(cls)?.[1] ?? 0) + 1]);
    const chips = this.root.querySelector(".classes");
    chips.hidden = counts.size < 2;
    for (const [cls, [label, count]] of [...counts].sort((a, b) => b[1][1] - a[1][1])) {
      const chip = document.createElement("button");
      chip.type = "button";
      chip.className = "chip";
      chip.value = cls;
      chip.ariaPressed = "true";
      chip.append(label, Object.assign(document.createElement("span"), { textContent: count }));
      chip.addEventListener("click", () => {
        if (this.classes.has(cls)) this.classes.delete(cls);
        else this.classes.add(cls);
        chip.ariaPressed = String(this.classes.has(cls));
        this.#take(changed);
      });
      chips.append(chip);
    }
  }
}
