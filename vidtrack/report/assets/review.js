// Corrections: sent to the server that this page came from, which answers with the next page.

const REMEMBERED = "vidtrack-review"; // state kept for the next page

class Corrections {
  constructor(bar, log, state) {
    this.bar = bar;
    this.log = log;
    this.state = state;
    this.name = bar.querySelector("[name=name]");
    for (const name of log.meta.classes.filter(Boolean)) bar.querySelector("datalist").append(new Option(name));
    for (const button of bar.querySelectorAll("[data-edit]")) {
      button.addEventListener("click", () => this.run(button.dataset.edit));
    }
    bar.querySelector(".relabel").addEventListener("submit", (event) => {
      event.preventDefault();
      this.run("relabel");
    });
    this.show();
  }

  /** The selected tracks, else the current one. */
  get targets() {
    const { chosen, current } = this.state;
    const tracks = chosen.size ? [...chosen] : current ? [current] : [];
    return tracks.sort((a, b) => a.id - b.id);
  }

  show() {
    const { changes, unsaved, saved } = this.log.meta.review;
    const { targets } = this;
    const names = targets.map(({ name }) => name).join(", ");
    this.bar.querySelector(".targets").textContent = names || "Click a track, or tick several.";
    this.#enable("flag", targets.length === 1);
    this.#enable("split", targets.length === 1);
    this.#enable("merge", targets.length > 1);
    this.#enable("drop", targets.length > 0);
    this.bar.querySelector(".relabel button").disabled = !targets.length;
    this.#enable("undo", changes > 0);
    this.#enable("save", unsaved);
    this.say(saved ? `Saved: ${saved}` : unsaved ? `${plural(changes, "change")}, not saved` : "");
  }

  say(text, wrong = false) {
    const line = this.bar.querySelector(".said");
    line.textContent = text;
    line.classList.toggle("wrong", wrong);
  }

  async run(operation) {
    const { targets, state, log } = this;
    if (this.bar.querySelector(`[data-edit=${operation}]`)?.disabled) return;
    if (operation === "relabel" && !this.name.value.trim()) return this.name.focus();
    const frame = log.indices[Math.max(0, log.rowAt(state.seconds))] ?? 0;
    const tracks = targets.map(({ id }) => id);
    try {
      const answer = await fetch("edit", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ operation, tracks, frame, name: this.name.value }),
      });
      const { error } = await answer.json();
      if (error) return this.say(error, true);
    } catch {
      return this.say("The server has stopped: run vidtrack review again.", true);
    }
    sessionStorage.setItem(REMEMBERED, JSON.stringify({ seconds: state.seconds, id: state.current?.id ?? null }));
    location.reload();
  }

  /** The state of the previous page. */
  restore() {
    const before = JSON.parse(sessionStorage.getItem(REMEMBERED) ?? "null");
    sessionStorage.removeItem(REMEMBERED);
    if (!before) return;
    const track = this.log.tracks.find(({ id }) => id === before.id);
    pick(track ?? null, before.seconds);
  }

  #enable(operation, on) {
    this.bar.querySelector(`[data-edit=${operation}]`).disabled = !on;
  }
}

const corrections = new Corrections(find(".review"), log, state);
Object.assign(KEYS, {
  f: () => corrections.run("flag"),
  s: () => corrections.run("split"),
  g: () => corrections.run("merge"),
  r: () => corrections.name.focus(),
  d: () => corrections.run("drop"),
  u: () => corrections.run("undo"),
});
state.changed = () => corrections.show();
corrections.restore();
