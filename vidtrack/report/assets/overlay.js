// The clip's frame, and the tracks drawn over it.

const TRAIL_SECONDS = 1.5;

class Overlay {
  constructor(picture, canvas, log, state) {
    this.picture = picture;
    this.canvas = canvas;
    this.log = log;
    this.state = state;
    this.draw = onceAFrame(() => this.#draw());
  }

  /** Keep the frame that the boxes belong to: during playback a browser shows the next one before it reports it. */
  take(video) {
    const { context, width, height } = fitted(this.picture);
    context.drawImage(video, 0, 0, width, height);
    this.draw();
  }

  /** Track under a point of the page; of several, the nearest to the camera. */
  trackAt(clientX, clientY) {
    const rect = this.canvas.getBoundingClientRect();
    const [width, height] = this.log.meta.size;
    const x = ((clientX - rect.left) / rect.width) * width;
    const y = ((clientY - rect.top) / rect.height) * height;
    let found = null;
    let nearest = -1;
    for (const { track, box } of this.#visible()) {
      const [left, top, right, bottom] = box;
      if (x >= left && x <= right && y >= top && y <= bottom && bottom > nearest) [found, nearest] = [track, bottom];
    }
    return found;
  }

  #visible() {
    const { log, state } = this;
    const row = log.rowAt(state.seconds);
    return Array.from(log.objectsAt(row), (object) => ({
      object,
      track: log.tracks[log.trackOf[object]],
      box: this.#boxNow(object, row),
      guessed: log.states[object] !== 0,
    }))
      .filter(({ track }) => state.shows(track))
      .sort((a, b) => a.box[3] - b.box[3]);
  }

  /** In frames skipped by the stride, a box moves towards the next one. */
  #boxNow(object, row) {
    const { log, state } = this;
    const box = log.box(object);
    const next = object + 1;
    const track = log.tracks[log.trackOf[object]];
    if (log.stride === 1 || next >= track.end || log.rows[next] !== row + 1) return box;
    const share = Math.max(0, (state.seconds - log.seconds[row]) / (log.seconds[row + 1] - log.seconds[row]));
    const to = log.box(next);
    return box.map((edge, n) => edge + (to[n] - edge) * share);
  }

  #draw() {
    const { state, log } = this;
    const { context, width, height } = fitted(this.canvas);
    const [scaleX, scaleY] = [width / log.meta.size[0], height / log.meta.size[1]];
    const visible = this.#visible();
    const emphasised = state.current && visible.some(({ track }) => track === state.current);
    context.lineJoin = "round";
    if (state.parts.places) for (const place of log.meta.places) this.#place(context, place, scaleX, scaleY);
    for (const item of visible) {
      const colour = state.colour(item.track);
      context.globalAlpha = emphasised && item.track !== state.current ? 0.45 : 1;
      if (state.parts.trails) this.#trail(context, item, colour, scaleX, scaleY);
      if (state.parts.boxes) this.#box(context, item, colour, scaleX, scaleY, item.track === state.current);
    }
    if (state.parts.labels) {
      const taken = [];
      context.globalAlpha = 1;
      for (const item of visible.reverse()) {
        const quiet = emphasised && item.track !== state.current;
        this.#label(context, item, state.colour(item.track), quiet, [scaleX, scaleY], [width, height], taken);
      }
    }
    context.globalAlpha = 1;
  }

  #place(context, { name, points, closed }, scaleX, scaleY) {
    const path = new Path2D();
    for (const [x, y] of points) path.lineTo(x * scaleX, y * scaleY);
    if (closed) path.closePath();
    context.strokeStyle = "rgb(0 0 0 / 0.5)";
    context.lineWidth = 4;
    context.stroke(path);
    context.setLineDash([8, 6]);
    context.strokeStyle = "#fff";
    context.lineWidth = 2;
    context.stroke(path);
    context.setLineDash([]);
    const middle = [0, 1].map((n) => points.reduce((sum, point) => sum + point[n], 0) / points.length);
    context.font = `600 12px ${FONT}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.strokeStyle = "rgb(0 0 0 / 0.7)";
    context.lineWidth = 3;
    context.strokeText(name, middle[0] * scaleX, middle[1] * scaleY);
    context.fillStyle = "#fff";
    context.fillText(name, middle[0] * scaleX, middle[1] * scaleY);
    context.textAlign = "start";
  }

  #box(context, { box, guessed }, colour, scaleX, scaleY, current) {
    const [left, right] = [box[0] * scaleX, box[2] * scaleX];
    const [top, bottom] = [box[1] * scaleY, box[3] * scaleY];
    const path = new Path2D();
    if (guessed) {
      const [reachX, reachY] = [(right - left) / 5, (bottom - top) / 5];
      for (const [x, toX] of [[left, left + reachX], [right, right - reachX]]) {
        for (const [y, toY] of [[top, top + reachY], [bottom, bottom - reachY]]) {
          path.moveTo(toX, y);
          path.lineTo(x, y);
          path.lineTo(x, toY);
        }
      }
    } else {
      path.rect(left, top, right - left, bottom - top);
    }
    context.strokeStyle = "rgb(0 0 0 / 0.45)";
    context.lineWidth = current ? 5 : 3.5;
    context.stroke(path);
    context.strokeStyle = css(colour);
    context.lineWidth = current ? 3 : 2;
    context.stroke(path);
  }

  #trail(context, { object, track }, colour, scaleX, scaleY) {
    const { log, state } = this;
    context.strokeStyle = css(colour, 0.8);
    context.lineWidth = 2;
    context.beginPath();
    for (let i = object; i >= track.begin && log.seconds[log.rows[i]] > state.seconds - TRAIL_SECONDS; i--) {
      const [left, , right, bottom] = log.box(i);
      context.lineTo(((left + right) / 2) * scaleX, bottom * scaleY);
    }
    context.stroke();
  }

  /** Above the box, inside its top, or below it: the first position that covers no other label. */
  #label(context, { box, object, track }, colour, quiet, [scaleX, scaleY], [width, height], taken) {
    const size = width < 480 ? 10 : 12;
    const text = quiet ? String(track.id) : `${track.name}  ${(this.log.scores[object] / 255).toFixed(2)}`;
    context.font = `500 ${size}px ${FONT}`;
    const wide = context.measureText(text).width + 8;
    const tall = size + 6;
    const x = Math.min(Math.max(box[0] * scaleX - 1, 0), Math.max(0, width - wide));
    const [top, bottom] = [box[1] * scaleY, box[3] * scaleY];
    const places = [top - tall, top, bottom - tall, bottom].filter((y) => y >= 0 && y <= height - tall);
    const free = (y) => !taken.some((other) => x < other.x + other.wide && other.x < x + wide && Math.abs(y - other.y) < tall);
    const y = places.find(free) ?? places[0] ?? Math.min(Math.max(top, 0), height - tall);
    taken.push({ x, y, wide });
    context.fillStyle = quiet ? "rgb(0 0 0 / 0.65)" : css(colour);
    context.fillRect(x, y, wide, tall);
    context.fillStyle = quiet ? "#fff" : inkOn(colour);
    context.textBaseline = "middle";
    context.fillText(text, x + 4, y + tall / 2 + 0.5);
  }
}
