// The page: its state, and the events between its parts.

const find = (selector) => document.querySelector(selector);
const log = await readData();
const video = find("video");
document.documentElement.style.setProperty("--shape", log.meta.shape);

const state = {
  seconds: log.begin,
  current: null, // track
  chosen: new Set(), // tracks selected for commands
  visible: new Set(), // tracks in the current frame
  shown: [], // tracks that pass the filters, in order
  parts: { boxes: true, labels: true, trails: false, places: true },
  byClass: false,
  theme: {},
  changed: () => {}, // called when the selection changes
  shows: (track) => filters.passes(track),
  colour: ({ id, cls }) => {
    const { palette } = log.meta;
    return palette[(state.byClass ? cls : id - 1) % palette.length];
  },
};

const filters = new Filters(find(".filters"), log, () => filtered());
const player = new Player(video, log, { shown: take, changed: showPlaying, failed: showFailure });
const overlay = new Overlay(find(".still"), find(".overlay"), log, state);
const timeline = new Timeline(find(".timeline"), log, state, {
  seek: (seconds) => player.seek(seconds),
  pick: (track, seconds) => pick(track, seconds),
});
const list = new TrackList(find(".list"), state, {
  go: (track) => pick(track, track.first),
  choose: (track, on) => {
    state.chosen[on ? "add" : "delete"](track);
    showCount();
  },
});
const commands = new Commands(find("#commands"), log, state, filters);

for (const button of document.querySelectorAll(".doubts button")) {
  const track = log.tracks.find(({ id }) => id === Number(button.dataset.track));
  button.addEventListener("click", () => pick(track, Number(button.dataset.seconds)));
}

function take(seconds) {
  state.seconds = seconds;
  const row = log.rowAt(seconds);
  const visible = new Set(Array.from(log.objectsAt(row), (object) => log.tracks[log.trackOf[object]]));
  if (visible.size !== state.visible.size || [...visible].some((track) => !state.visible.has(track))) {
    state.visible = visible;
    list.draw();
  }
  overlay.take(video);
  find(".now").textContent = clock(seconds, 2);
  find(".frame-number").textContent = row < 0 ? "" : `frame ${log.ordinalAt(seconds)}`;
  timeline.follow();
}

function pick(track, seconds) {
  state.current = track;
  if (seconds !== undefined) player.seek(seconds);
  if (track) {
    list.reveal(track);
    timeline.reveal(track);
  }
  redraw();
}

function filtered() {
  state.shown = filters.sorted(log.tracks);
  if (state.current && !filters.passes(state.current)) state.current = null;
  for (const track of state.chosen) if (!filters.passes(track)) state.chosen.delete(track);
  showCount();
  list.arrange(state.shown);
  timeline.arrange();
  overlay.draw();
}

function redraw() {
  state.changed();
  list.draw();
  timeline.draw();
  overlay.draw();
}

function showCount() {
  state.changed();
  const { shown, chosen } = state;
  const of = shown.length === log.tracks.length ? "" : ` of ${log.tracks.length}`;
  find(".none").textContent = log.tracks.length ? "No track matches the filters." : "The log has no tracks.";
  find(".count").textContent = `${shown.length}${of} ${log.tracks.length === 1 ? "track" : "tracks"}${chosen.size ? `, ${chosen.size} selected` : ""}`;
}

function showPlaying() {
  const { speed } = player;
  document.body.classList.toggle("playing", player.playing);
  find(".play").ariaLabel = player.playing ? "Pause" : "Play";
  find(".speed").textContent = speed === 0 || speed === 1 ? "" : `${speed}×`;
  find(".mute").ariaPressed = String(video.muted);
}

function showFailure() {
  const notice = find(".failure");
  notice.hidden = false;
  notice.textContent = log.meta.clip.href === null
    ? "This browser cannot play the clip in this page."
    : `The clip cannot be played: ${log.meta.clip.name} cannot be found, or this browser does not support its codec. vidtrack report --proxy makes a copy that plays everywhere.`;
}

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  const style = getComputedStyle(document.documentElement);
  const value = (property) => style.getPropertyValue(`--${property}`).trim();
  const ground = value("panel-rgb").split(" ").map(Number);
  state.theme = {
    text: value("text"), soft: value("soft"), line: value("line"), accent: value("accent"),
    ground, plate: css(ground, 0.82),
  };
  find(".theme").ariaLabel = name === "dark" ? "Light colours" : "Dark colours";
  redraw();
}

function fitStage() {
  const stage = find(".stage");
  const shape = log.meta.shape;
  const width = Math.min(stage.clientWidth, stage.clientHeight * shape);
  find(".picture").style.width = `${width}px`;
  find(".picture").style.height = `${width / shape}px`;
  overlay.draw();
}

function moveCurrent(by) {
  const { shown, current } = state;
  if (!shown.length) return;
  const at = shown.indexOf(current);
  const next = at < 0 ? (by > 0 ? 0 : shown.length - 1) : Math.min(Math.max(at + by, 0), shown.length - 1);
  pick(shown[next], shown[next].first);
}

const KEYS = {
  " ": () => player.toggle(),
  k: () => player.pause(),
  l: () => player.shuttle(1),
  j: () => player.shuttle(-1),
  ArrowLeft: ({ shiftKey }) => (shiftKey ? player.jump(-1) : player.step(-1)),
  ArrowRight: ({ shiftKey }) => (shiftKey ? player.jump(1) : player.step(1)),
  ArrowUp: () => moveCurrent(-1),
  ArrowDown: () => moveCurrent(1),
  Home: () => player.seek(log.begin),
  End: () => player.seek(log.last),
  b: () => state.current && player.seek(state.current.best),
  c: () => state.current && (toggleChosen(state.current), list.draw()),
  e: () => commands.open(),
  m: () => (video.muted = !video.muted),
  "+": () => timeline.zoom(1.6),
  "=": () => timeline.zoom(1.6),
  "-": () => timeline.zoom(1 / 1.6),
  0: () => timeline.fit(),
  "/": () => find("[name=words]").focus(),
  "?": () => find("#help").showModal(),
  Escape: () => pick(null),
};

const MOVES = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"]); // a slider

function closeOverlayParts() {
  find(".overlay-parts").open = false;
  find(".overlay-parts summary").focus();
}

function toggleChosen(track) {
  state.chosen[state.chosen.has(track) ? "delete" : "add"](track);
  showCount();
}

document.addEventListener("keydown", (event) => {
  const { target, key, ctrlKey, metaKey, altKey } = event;
  if (ctrlKey || metaKey || altKey || document.querySelector("dialog[open]")) return;
  if (key === "Escape" && find(".overlay-parts").open) return closeOverlayParts();
  if (key === "Escape" && target.matches("input, select")) return target.blur();
  if (target.matches("[type=range]") ? MOVES.has(key) : target.matches("input:not([type=checkbox]), select")) return;
  if (key === " " && target.matches("button, summary, input")) return;
  const action = KEYS[key.length === 1 ? key.toLowerCase() : key];
  if (!action) return;
  event.preventDefault();
  action(event);
});

find(".play").addEventListener("click", () => player.toggle());
find(".back").addEventListener("click", () => player.step(-1));
find(".on").addEventListener("click", () => player.step(1));
find(".mute").addEventListener("click", () => KEYS.m());
find(".full").addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else find(".stage").requestFullscreen();
});
find(".zoom-in").addEventListener("click", () => timeline.zoom(1.6));
find(".zoom-out").addEventListener("click", () => timeline.zoom(1 / 1.6));
find(".zoom-fit").addEventListener("click", () => timeline.fit());
find(".open-commands").addEventListener("click", () => commands.open());
find(".open-help").addEventListener("click", () => find("#help").showModal());
find(".overlay").addEventListener("click", ({ clientX, clientY }) => {
  const track = overlay.trackAt(clientX, clientY);
  if (track) pick(track);
  else player.toggle();
});
find(".overlay-parts").addEventListener("change", ({ target }) => {
  if (target.name === "colours") state.byClass = target.value === "class";
  else state.parts[target.name] = target.checked;
  redraw();
});
document.addEventListener("click", ({ target, detail }) => {
  if (!find(".overlay-parts").contains(target)) find(".overlay-parts").open = false;
  if (detail > 0) target.closest("button")?.blur(); // after a mouse click, the space bar plays
});
for (const dialog of document.querySelectorAll("dialog")) {
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
}
find(".theme").addEventListener("click", () => {
  const name = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  setTheme(name);
  try {
    localStorage.setItem("vidtrack-theme", name);
  } catch {
    // a page opened from a file may have no storage
  }
});

const dark = matchMedia("(prefers-color-scheme: dark)");
dark.addEventListener("change", () => setTheme(dark.matches ? "dark" : "light"));
let remembered = null;
try {
  remembered = localStorage.getItem("vidtrack-theme");
} catch {
  // see above
}
setTheme(remembered ?? (dark.matches ? "dark" : "light"));
new ResizeObserver(fitStage).observe(find(".stage"));
find(".places").hidden = !log.meta.places.length;
find(".full").hidden = !document.fullscreenEnabled;
find(".mute").hidden = !log.meta.clip.sound;
find(".length").textContent = clock(log.end, 2);
timeline.ruler.ariaValueMin = log.begin.toFixed(3);
timeline.ruler.ariaValueMax = log.last.toFixed(3);
filtered();
showPlaying();
take(state.seconds);
document.body.classList.add("ready");
