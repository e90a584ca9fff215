// Commands that export, hide, crop or correct tracks.

const MOST_MERGED = 20; // tracks in one merge command

class Commands {
  constructor(dialog, log, state, filters) {
    this.dialog = dialog;
    this.log = log;
    this.state = state;
    this.filters = filters;
    this.scope = dialog.querySelector("[name=scope]");
    this.format = dialog.querySelector("[name=format]");
    this.label = dialog.querySelector("[name=label]");
    for (const { name } of log.meta.formats) this.format.add(new Option(name));
    for (const name of log.meta.classes.filter(Boolean)) this.label.add(new Option(name));
    dialog.querySelector(".from").hidden = log.meta.absolute;
    for (const field of [this.scope, this.format, this.label]) field.addEventListener("change", () => this.fill());
  }

  open() {
    const { chosen, current, shown } = this.state;
    this.scope.value = chosen.size ? "chosen" : current ? "current" : this.filters.active && shown.length ? "shown" : "all";
    const own = new Set(this.#tracks().map(({ label }) => label));
    const other = [...this.label.options].find(({ value }) => !own.has(value));
    if (own.has(this.label.value) && other) this.label.value = other.value;
    this.fill();
    this.dialog.showModal();
  }

  fill() {
    const { chosen, current, shown } = this.state;
    const option = (value) => this.scope.querySelector(`[value=${value}]`);
    option("chosen").disabled = !chosen.size;
    option("chosen").textContent = `the ${plural(chosen.size, "selected track")}`;
    option("current").disabled = !current;
    option("current").textContent = current ? current.name : "the current track";
    option("shown").disabled = !shown.length;
    option("shown").textContent = `the ${plural(shown.length, "track")} that match the filters`;
    option("all").textContent = `all ${plural(this.log.tracks.length, "track")}`;
    const format = this.log.meta.formats.find(({ name }) => name === this.format.value);
    this.dialog.querySelector(".purpose").textContent = format.purpose;
    this.dialog.querySelector(".import").textContent = format.how;
    const tracks = this.#tracks();
    const several = tracks.length > 1 && tracks.length < MOST_MERGED;
    const meeting = several ? this.log.meeting(tracks) : null;
    this.#explain(meeting);
    for (const [name, command] of Object.entries(this.#commands(tracks, several && !meeting))) this.#show(name, command);
  }

  /** `mergeable`: a few tracks that share no frame. */
  #commands(tracks, mergeable) {
    const { log: path, clip } = this.log.meta;
    const render = `vidtrack render ${path}${clip.argument ? ` ${clip.argument}` : ""}${clip.same ? "" : " --force"}`;
    const which = this.#which(tracks);
    const ids = tracks.map(({ id }) => id);
    const one = ids.length === 1 ? ids[0] : null;
    const at = this.state.seconds;
    const inside = one !== null && at > tracks[0].first + 1e-6 && at <= tracks[0].last;
    const few = ids.length > 0 && ids.length < this.log.tracks.length;
    return {
      export: `vidtrack export ${path} --to ${this.format.value}${which}`,
      blur: `${render} --blur${which}`,
      crop: one === null ? `${render} --crop-track all --aspect 9:16${which}` : `${render} --crop-track ${one} --aspect 9:16`,
      clips: `${render} --clips${which}`,
      stills: `${render} --stills${which}`,
      merge: mergeable ? `vidtrack merge ${path} ${ids.join(" ")}` : null,
      split: inside ? `vidtrack split ${path} ${one} --at ${at.toFixed(3)}` : null,
      relabel: few ? `vidtrack relabel ${path} ${ids.join(",")} --class ${quoted(this.label.value)}` : null,
      drop: few ? `vidtrack drop ${path} ${ids.join(",")}` : null,
    };
  }

  #tracks() {
    const { chosen, current, shown } = this.state;
    const inOrder = (tracks) => [...tracks].sort((a, b) => a.id - b.id);
    if (this.scope.value === "chosen") return inOrder(chosen);
    if (this.scope.value === "current") return current ? [current] : [];
    return inOrder(this.scope.value === "shown" ? shown : this.log.tracks);
  }

  #which(tracks) {
    const { filters } = this;
    const { whole } = this.log.meta; // else the log has tracks that the page does not
    if (whole && tracks.length === this.log.tracks.length) return "";
    if (!whole || this.scope.value !== "shown" || !filters.sayable) return ` --tracks ${tracks.map(({ id }) => id).join(",")}`;
    const classes = filters.classes.size < filters.all ? ` --classes ${quoted(filters.names.join(","))}` : "";
    return `${classes}${filters.length ? ` --min-length ${filters.length}` : ""}`;
  }

  #explain(meeting) {
    const line = this.dialog.querySelector(".no-merge");
    line.hidden = meeting === null;
    if (meeting === null) return;
    const { one, other, row } = meeting;
    const where = `frame ${this.log.indices[row]}, at ${clock(this.log.seconds[row], 2)}`;
    line.textContent = `Cannot merge: ${one.name} and ${other.name} are both in ${where}. Split or drop one of them first.`;
  }

  #show(name, command) {
    const row = this.dialog.querySelector(`[data-command=${name}]`);
    row.hidden = command === null;
    if (command === null) return;
    const words = command.split(" ").map((word) => Object.assign(document.createElement("span"), { textContent: word }));
    row.querySelector("code").replaceChildren(...words.flatMap((word) => [word, " "]).slice(0, -1));
    row.querySelector("button").onclick = ({ currentTarget: button }) => copy(command, row.querySelector("code"), button);
  }
}

async function copy(text, element, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    getSelection().selectAllChildren(element);
    if (!document.execCommand("copy")) return;
    getSelection().removeAllRanges();
  }
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = "Copy"), 1500);
}

function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\"'\"'")}'`;
}
