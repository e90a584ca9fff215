// The log, unpacked: columns over all objects, sorted by track and then by frame.

async function readData() {
  const meta = JSON.parse(document.getElementById("data").textContent);
  const packed = bytesOf(document.getElementById("columns").textContent);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(stream).arrayBuffer();
  const columns = {};
  let at = 0;
  for (const { name, type, length } of meta.columns) {
    const Kind = { i8: BigInt64Array, i4: Int32Array, i2: Int16Array, u1: Uint8Array }[type];
    columns[name] = new Kind(buffer.slice(at, at + length * Kind.BYTES_PER_ELEMENT));
    at += length * Kind.BYTES_PER_ELEMENT;
  }
  return new Log(meta, columns);
}

function bytesOf(base64) {
  const text = atob(base64.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function undelta(deltas) {
  const values = new deltas.constructor(deltas.length); // sums wrap around as the differences did
  let value = 0;
  for (let i = 0; i < deltas.length; i++) values[i] = value = deltas[i] + value;
  return values;
}

class Log {
  constructor(meta, columns) {
    this.meta = meta;
    this.indices = undelta(columns.indices); // (F) decoded ordinals
    this.seconds = secondsOf(columns.microseconds); // (F)
    this.rows = undelta(columns.rows); // (N) frame row of each object
    this.edges = ["left", "top", "right", "bottom"].map((name) => undelta(columns[name])); // (N) each
    this.scores = columns.scores; // (N) of 255
    this.states = columns.states; // (N) 0 detected, 1 predicted, 2 interpolated
    this.step = medianStep(this.seconds) ?? 1 / 25;
    this.stride = medianStep(this.indices) ?? 1;
    this.frame = this.step / this.stride; // seconds that a frame of the clip lasts
    this.tracks = this.#tracks(meta.tracks);
    this.#indexRows();
  }

  get frameCount() {
    return this.seconds.length;
  }

  /** Seconds of the first frame. */
  get begin() {
    return this.seconds[0] ?? 0;
  }

  /** Seconds of the clip's last frame, even if the stride skips it. */
  get last() {
    return this.end - this.frame;
  }

  get end() {
    return (this.seconds.at(-1) ?? 0) + this.step;
  }

  /** Frame row on screen at a time, which browsers round; -1 before the first frame. */
  rowAt(seconds) {
    let row = upperBound(this.seconds, seconds + this.frame / 4) - 1;
    while (row > 0 && this.seconds[row] - seconds > seconds - this.seconds[row - 1]) row--;
    return row;
  }

  /** Ordinal of the clip's frame on screen at a time, even if the stride skips it; -1 before the first. */
  ordinalAt(seconds) {
    const row = this.rowAt(seconds);
    if (row < 0 || this.stride === 1) return this.indices[row] ?? -1;
    const on = Math.max(0, Math.round((seconds - this.seconds[row]) / this.frame));
    return Math.min(this.indices[row] + on, (this.indices[row + 1] ?? Infinity) - 1);
  }

  /** Objects of a frame row, as indices into the columns. */
  objectsAt(row) {
    if (row < 0 || row >= this.frameCount) return this.rowItems.subarray(0, 0);
    return this.rowItems.subarray(this.rowStarts[row], this.rowStarts[row + 1]);
  }

  /** Edges of an object in pixels of the frame. */
  box(object) {
    return this.edges.map((edge) => edge[object] / this.meta.box_scale);
  }

  /** Index of a track's object in a frame row, or its next one. */
  objectFrom(track, row) {
    return lowerBound(this.rows, row, track.begin, track.end);
  }

  /** Two tracks that share a frame, and its row; null if none do. */
  meeting(tracks) {
    const there = new Map();
    for (const track of tracks) {
      for (let i = track.begin; i < track.end; i++) {
        const row = this.rows[i];
        if (there.has(row)) return { one: there.get(row), other: track, row };
        there.set(row, track);
      }
    }
    return null;
  }

  #tracks(listed) {
    let begin = 0;
    return listed.map(({ id, cls, best, thumbnail }, place) => {
      const count = listed[place].count;
      const end = begin + count;
      let sum = 0;
      let top = 0;
      let gaps = 0;
      for (let i = begin; i < end; i++) {
        sum += this.scores[i];
        top = Math.max(top, this.scores[i]);
        if (i > begin && this.rows[i] > this.rows[i - 1] + 1) gaps++;
      }
      const first = this.seconds[this.rows[begin]];
      const last = this.seconds[this.rows[end - 1]];
      const label = this.meta.classes[cls] || `class ${cls}`;
      const track = {
        place, id, cls, label, begin, end, first, last, gaps, thumbnail,
        name: `${label} ${id}`,
        best: this.seconds[best],
        frames: count,
        length: last - first + this.step,
        score: sum / count / 255,
        top: top / 255,
      };
      begin = end;
      return track;
    });
  }

  #indexRows() {
    const starts = new Int32Array(this.frameCount + 1);
    for (const row of this.rows) starts[row + 1]++;
    for (let row = 0; row < this.frameCount; row++) starts[row + 1] += starts[row];
    const next = starts.slice();
    this.rowStarts = starts;
    this.rowItems = new Int32Array(this.rows.length);
    this.trackOf = new Int32Array(this.rows.length);
    for (const track of this.tracks) {
      for (let i = track.begin; i < track.end; i++) {
        this.trackOf[i] = track.place;
        this.rowItems[next[this.rows[i]]++] = i;
      }
    }
  }
}

function secondsOf(deltas) {
  const seconds = new Float64Array(deltas.length);
  let microseconds = 0;
  for (let i = 0; i < deltas.length; i++) seconds[i] = (microseconds += Number(deltas[i])) / 1e6;
  return seconds;
}

function medianStep(values) {
  if (values.length < 2) return null;
  const steps = new Float64Array(values.length - 1);
  for (let i = 0; i < steps.length; i++) steps[i] = values[i + 1] - values[i];
  return steps.sort()[steps.length >> 1];
}

/** First index whose value is not below `value`. */
function lowerBound(values, value, from = 0, to = values.length) {
  while (from < to) {
    const middle = (from + to) >> 1;
    if (values[middle] < value) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** First index whose value is above `value`. */
function upperBound(values, value, from = 0, to = values.length) {
  while (from < to) {
    const middle = (from + to) >> 1;
    if (values[middle] <= value) from = middle + 1;
    else to = middle;
  }
  return from;
}
