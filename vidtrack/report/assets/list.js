// The list of tracks; only rows in view are in the page.

const ROW = 64; // pixels
const SPARE_ROWS = 4;

class TrackList {
  /** `go(track)` and `choose(track, on)` are called when a row is clicked or ticked. */
  constructor(root, state, { go, choose }) {
    this.root = root;
    this.rows = root.querySelector("ul");
    this.template = root.querySelector("template");
    this.state = state;
    this.go = go;
    this.choose = choose;
    this.tracks = [];
    this.made = new Map();
    this.draw = onceAFrame(() => this.#draw());
    root.addEventListener("scroll", () => this.draw());
    window.addEventListener("scroll", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(root);
  }

  arrange(tracks) {
    this.tracks = tracks;
    this.rows.style.height = `${tracks.length * ROW}px`;
    this.root.querySelector(".none").hidden = tracks.length > 0;
    for (const row of this.made.values()) row.remove();
    this.made.clear();
    this.#draw();
  }

  /** Scroll to a track's row. */
  reveal(track) {
    const place = this.tracks.indexOf(track);
    if (place < 0 || this.root.scrollHeight <= this.root.clientHeight) return;
    const top = place * ROW;
    if (top < this.root.scrollTop) this.root.scrollTop = top;
    const bottom = top + ROW - this.root.clientHeight;
    if (bottom > this.root.scrollTop) this.root.scrollTop = bottom;
  }

  #draw() {
    const list = this.root.getBoundingClientRect();
    const top = this.rows.getBoundingClientRect().top;
    const from = Math.floor((Math.max(list.top, 0) - top) / ROW) - SPARE_ROWS;
    const to = Math.ceil((Math.min(list.bottom, window.innerHeight) - top) / ROW) + SPARE_ROWS;
    for (const [place, row] of this.made) {
      if (place >= from && place < to) continue;
      if (row.contains(document.activeElement)) continue; // focus stays where it is
      row.remove();
      this.made.delete(place);
    }
    for (let place = Math.max(0, from); place < Math.min(to, this.tracks.length); place++) {
      if (!this.made.has(place)) this.#make(place);
      this.#mark(this.made.get(place), this.tracks[place]);
    }
  }

  #make(place) {
    const track = this.tracks[place];
    const row = this.template.content.firstElementChild.cloneNode(true);
    row.style.transform = `translateY(${place * ROW}px)`;
    row.ariaSetSize = this.tracks.length;
    row.ariaPosInSet = place + 1;
    const picture = row.querySelector("img");
    if (track.thumbnail) picture.src = `data:image/jpeg;base64,${track.thumbnail}`;
    else picture.remove();
    row.querySelector(".name").textContent = track.name;
    row.querySelector(".when").textContent = `${clock(track.first)} – ${clock(track.last)}`;
    const gaps = track.gaps ? ` · ${plural(track.gaps, "gap")}` : "";
    row.querySelector(".how").textContent = `${plural(track.frames, "frame")}${gaps}`;
    row.querySelector(".score span").textContent = track.score.toFixed(2);
    row.querySelector(".score").title = `mean score; the best is ${track.top.toFixed(2)}`;
    row.querySelector("button").addEventListener("click", () => this.go(track));
    const box = row.querySelector("input");
    box.ariaLabel = box.title = `Select ${track.name} for commands`;
    box.addEventListener("change", () => this.choose(track, box.checked));
    const next = [...this.made.keys()].filter((other) => other > place).sort((a, b) => a - b)[0];
    this.rows.insertBefore(row, this.made.get(next) ?? null); // in tab order
    this.made.set(place, row);
  }

  #mark(row, track) {
    const { state } = this;
    row.classList.toggle("current", track === state.current);
    row.classList.toggle("visible", state.visible.has(track));
    row.querySelector("input").checked = state.chosen.has(track);
    row.querySelector("button").ariaCurrent = track === state.current ? "true" : "false";
    row.style.setProperty("--colour", css(against(state.colour(track), state.theme.ground)));
  }
}
