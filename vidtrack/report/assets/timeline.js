// All tracks over time, by class: a bar while a track is present; its height is the score.

const LANE = { roomy: 18, tight: 9, head: 22, gap: 2, spare: 40 };
const MANY_LANES = 40;
const MOST_ZOOM_SECONDS = 0.4; // shortest time that fills the width

class Timeline {
  /** `seek(seconds)` and `pick(track, seconds)` are called when a person clicks. */
  constructor(root, log, state, { seek, pick }) {
    this.log = log;
    this.state = state;
    this.seek = seek;
    this.pick = pick;
    this.ruler = root.querySelector(".ruler");
    this.scroller = root.querySelector(".lanes");
    this.canvas = root.querySelector(".lanes canvas");
    this.spacer = root.querySelector(".lanes .spacer");
    this.playhead = root.querySelector(".playhead");
    this.tip = root.querySelector(".tip");
    this.from = log.begin; // seconds at the left edge
    this.to = log.end; // and at the right
    this.groups = [];
    this.draw = onceAFrame(() => this.#draw());
    this.#listen(root);
  }

  /** Width of the view in pixels: a scrollbar takes part of the ruler's. */
  get width() {
    return Math.max(1, this.scroller.clientWidth);
  }

  /** Lay out the visible tracks. */
  arrange() {
    const byClass = new Map();
    for (const track of this.log.tracks) {
      if (!this.state.shows(track)) continue;
      if (!byClass.has(track.cls)) byClass.set(track.cls, []);
      byClass.get(track.cls).push(track);
    }
    this.groups = [...byClass.values()].sort((a, b) => b.length - a.length).map((tracks) => packed(tracks));
    const lanes = this.groups.reduce((sum, { lanes }) => sum + lanes.length, 0);
    this.lane = lanes > MANY_LANES ? LANE.tight : LANE.roomy;
    let y = 0;
    for (const group of this.groups) {
      group.top = y;
      y += LANE.head + group.lanes.length * (this.lane + LANE.gap) + 4;
    }
    this.spacer.style.height = `${y + LANE.spare}px`;
    document.documentElement.style.setProperty("--lanes", `${y + LANE.spare}px`);
    this.draw();
  }

  zoom(factor, around = this.state.seconds) {
    const all = this.log.end - this.log.begin;
    const wide = Math.min(all, Math.max(Math.min(MOST_ZOOM_SECONDS, all), (this.to - this.from) / factor));
    const middle = Math.min(Math.max(around, this.from), this.to);
    const share = (middle - this.from) / (this.to - this.from);
    this.#view(middle - share * wide, wide);
  }

  fit() {
    this.#view(this.log.begin, this.log.end - this.log.begin);
  }

  /** Scroll to a track's bar. */
  reveal(track) {
    for (const { top, lanes } of this.groups) {
      const lane = lanes.findIndex((tracks) => tracks.includes(track));
      if (lane < 0) continue;
      const y = top + LANE.head + lane * (this.lane + LANE.gap);
      const { scrollTop, clientHeight } = this.scroller;
      if (y < scrollTop + LANE.head) this.scroller.scrollTop = y - LANE.head;
      else if (y + this.lane + LANE.spare > scrollTop + clientHeight) this.scroller.scrollTop = y + this.lane + LANE.spare - clientHeight;
    }
  }

  /** Move the playhead to the clip's position, and the view with it. */
  follow() {
    const { seconds } = this.state;
    const wide = this.to - this.from;
    if (seconds < this.from || seconds > this.to) this.#view(seconds - wide * 0.1, wide);
    else this.#place();
  }

  #view(from, wide) {
    this.from = Math.min(Math.max(from, this.log.begin), this.log.end - wide);
    this.to = this.from + wide;
    this.#place();
    this.draw();
  }

  #place() {
    const x = this.x(this.state.seconds);
    this.playhead.style.transform = `translateX(${x}px)`;
    this.playhead.hidden = !(x >= 0 && x <= this.width);
    this.ruler.setAttribute("aria-valuenow", this.state.seconds.toFixed(3));
    this.ruler.setAttribute("aria-valuetext", clock(this.state.seconds, 2));
  }

  /** Pixels from the left edge of the view. */
  x(seconds) {
    return ((seconds - this.from) / (this.to - this.from)) * this.width;
  }

  #secondsAt(clientX) {
    const rect = this.ruler.getBoundingClientRect();
    const share = (clientX - rect.left) / this.width;
    return Math.min(Math.max(this.from + share * (this.to - this.from), this.log.begin), this.log.end);
  }

  #trackAt(clientX, clientY) {
    const rect = this.canvas.getBoundingClientRect();
    const y = clientY - rect.top + this.scroller.scrollTop;
    const seconds = this.#secondsAt(clientX);
    const slack = ((this.to - this.from) / this.width) * 3;
    for (const group of this.groups) {
      const lane = group.lanes[Math.floor((y - group.top - LANE.head) / (this.lane + LANE.gap))];
      if (y < group.top + LANE.head || !lane) continue;
      return lane.find(({ first, length }) => seconds >= first - slack && seconds <= first + length + slack) ?? null;
    }
    return null;
  }

  #listen(root) {
    const { ruler, scroller } = this;
    ruler.addEventListener("pointerdown", (event) => {
      ruler.setPointerCapture(event.pointerId);
      this.seek(this.#secondsAt(event.clientX));
    });
    ruler.addEventListener("pointermove", (event) => {
      if (ruler.hasPointerCapture(event.pointerId)) this.seek(this.#secondsAt(event.clientX));
      else this.#hintEvent(event);
    });
    ruler.addEventListener("pointerleave", () => (this.tip.hidden = true));
    scroller.addEventListener("click", (event) => {
      const track = this.#trackAt(event.clientX, event.clientY);
      const seconds = this.#secondsAt(event.clientX);
      if (track) this.pick(track, Math.min(Math.max(seconds, track.first), track.last));
      else this.seek(seconds);
    });
    scroller.addEventListener("pointermove", (event) => this.#hint(event));
    scroller.addEventListener("pointerleave", () => (this.tip.hidden = true));
    scroller.addEventListener("scroll", () => this.draw());
    root.addEventListener(
      "wheel",
      (event) => {
        const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
        if (event.ctrlKey || event.metaKey) {
          this.zoom(Math.exp(-event.deltaY / 300), this.#secondsAt(event.clientX));
        } else if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
          const wide = this.to - this.from;
          this.#view(this.from + (sideways / this.width) * wide, wide);
        } else return;
        event.preventDefault();
      },
      { passive: false },
    );
    new ResizeObserver(() => {
      this.#place();
      this.draw();
    }).observe(scroller);
  }

  #hint({ clientX, clientY, pointerType }) {
    const track = pointerType === "touch" ? null : this.#trackAt(clientX, clientY);
    this.scroller.style.cursor = track ? "pointer" : "";
    const when = track && `${clock(track.first)} – ${clock(track.last)}`;
    this.#tell(track && `${track.name} · ${when} · score ${track.score.toFixed(2)}`, clientX, clientY);
  }

  #hintEvent({ clientX, clientY }) {
    const seconds = this.#secondsAt(clientX);
    const reach = ((this.to - this.from) / this.width) * 6;
    const near = this.log.meta.events.filter(({ t }) => Math.abs(t - seconds) < reach);
    const more = near.length > 1 ? ` and ${near.length - 1} more` : "";
    this.#tell(near.length && `${clock(near[0].t)} ${near[0].message}${more}`, clientX, clientY);
  }

  #tell(text, clientX, clientY) {
    this.tip.hidden = !text;
    if (!text) return;
    this.tip.textContent = text;
    const rect = this.scroller.parentElement.getBoundingClientRect();
    const x = Math.min(clientX - rect.left + 12, rect.width - this.tip.offsetWidth - 4);
    const below = clientY - rect.top + 16;
    const y = below + this.tip.offsetHeight > rect.height ? clientY - rect.top - this.tip.offsetHeight - 8 : below;
    this.tip.style.transform = `translate(${Math.max(4, x)}px, ${y}px)`;
  }

  #draw() {
    this.#drawRuler();
    const { scrollTop, clientHeight } = this.scroller;
    this.canvas.style.height = `${clientHeight}px`;
    const { context, width, height } = fitted(this.canvas);
    context.translate(0, -scrollTop);
    drawCuts(context, this, scrollTop, height);
    for (const group of this.groups) {
      if (group.top > scrollTop + height) break;
      drawHeading(context, group, this.state.theme);
      group.lanes.forEach((lane, n) => {
        const y = group.top + LANE.head + n * (this.lane + LANE.gap);
        if (y > scrollTop + height || y + this.lane < scrollTop) return;
        for (const track of lane) drawBar(context, this, track, y, width);
      });
    }
  }

  #drawRuler() {
    const { context, height } = fitted(this.ruler.querySelector("canvas"));
    const { width } = this;
    const wide = this.to - this.from;
    const step = niceStep((wide / width) * 80);
    const decimals = step < 0.1 ? 2 : step < 1 ? 1 : 0;
    context.font = `11px ${FONT}`;
    context.textBaseline = "middle";
    for (let tick = Math.ceil(this.from / step); tick * step <= this.to; tick++) {
      const x = Math.round(this.x(tick * step)) + 0.5;
      context.fillStyle = this.state.theme.line;
      context.fillRect(x - 0.5, height - 6, 1, 6);
      context.fillStyle = this.state.theme.soft;
      const text = clock(tick * step, decimals);
      if (x + 4 + context.measureText(text).width < width) context.fillText(text, x + 4, height / 2);
    }
    context.fillStyle = this.state.theme.accent;
    for (const { t, kind } of this.log.meta.events) {
      if (kind === "cut" || t < this.from || t > this.to) continue;
      const x = this.x(t);
      context.beginPath();
      context.moveTo(x - 4, 0);
      context.lineTo(x + 4, 0);
      context.lineTo(x, 6);
      context.fill();
    }
  }
}

/** Tracks of a class in as few lanes as possible without touching. */
function packed(tracks) {
  const lanes = [];
  const ends = [];
  for (const track of [...tracks].sort((a, b) => a.first - b.first || a.id - b.id)) {
    let n = ends.findIndex((end) => end < track.first);
    if (n < 0) n = ends.push(0) - 1;
    (lanes[n] ??= []).push(track);
    ends[n] = track.first + track.length;
  }
  return { lanes, count: tracks.length };
}

function niceStep(least) {
  const steps = [0.04, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600];
  return steps.find((step) => step >= least) ?? 7200;
}
