// The clip: plays, seeks by frame, and says which moment is on screen.

const SHUTTLE = [1, 2, 4, 8];
const MOST_PASSED = 2; // pictures told of too late that are let go by in a row
const PATIENCE = 10; // refreshes of the screen within which the picture of a seek is told of
const REFRESH = 8; // milliseconds, half of what a screen takes

class Player {
  /** `shown(seconds)` is called with the log's time of each picture shown, `changed()` when play or speed change. */
  constructor(video, log, { shown, changed, failed }) {
    this.video = video;
    this.log = log;
    this.shown = shown;
    this.changed = changed;
    this.offset = log.meta.clip.origin; // log's time minus media time
    this.seconds = log.begin;
    this.goal = null; // seconds a seek under way leads to
    this.sought = false;
    this.reverse = 0;
    this.#open(failed);
    this.#follow();
    for (const event of ["play", "pause", "ratechange", "volumechange", "ended"]) {
      video.addEventListener(event, () => changed());
    }
  }

  get playing() {
    return this.reverse > 0 || !(this.video.paused || this.video.ended);
  }

  /** Speed, negative when it runs backwards; 0 when it stands. */
  get speed() {
    return this.reverse ? -this.reverse : this.playing ? this.video.playbackRate : 0;
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play(1);
  }

  play(rate) {
    this.#stopReverse();
    if (this.log.rowAt(this.heading) === this.log.frameCount - 1) this.seek(this.log.begin);
    this.video.playbackRate = rate;
    this.video.play().catch(() => this.changed());
  }

  pause() {
    this.#stopReverse();
    this.video.pause();
    this.video.playbackRate = 1;
    this.changed();
  }

  /** Faster in one direction (1 or -1), or at single speed where it went the other way. */
  shuttle(direction) {
    const now = this.speed * direction;
    const rate = now < 1 ? 1 : SHUTTLE[Math.min(SHUTTLE.indexOf(now) + 1, SHUTTLE.length - 1)] || 1;
    if (direction > 0) this.play(rate);
    else this.#playBackwards(rate);
  }

  /** Where the clip is, or is on its way to. */
  get heading() {
    return this.goal ?? this.seconds;
  }

  seek(seconds) {
    const { log } = this;
    seconds = Math.min(Math.max(seconds, log.begin), log.last);
    if (this.video.error) return this.#tell(seconds - this.offset); // tracks can be looked at without the clip
    this.goal = seconds;
    this.sought = true;
    const row = Math.max(0, log.rowAt(seconds));
    const begin = log.seconds[row] ?? 0;
    const room = Math.min(log.frame, (log.seconds[row + 1] ?? Infinity) - begin);
    const to = Math.abs(begin - seconds) < room / 2 ? begin : seconds;
    this.video.currentTime = Math.max(0, to + room / 4 - this.offset); // well inside the frame, as browsers round
  }

  /** So many frames on (or back). */
  step(frames) {
    this.pause();
    const { log } = this;
    if (log.stride > 1) return this.jump(frames * log.frame);
    const row = Math.min(Math.max(log.rowAt(this.heading) + frames, 0), log.frameCount - 1);
    this.seek(log.seconds[row]);
  }

  jump(seconds) {
    this.seek(this.heading + seconds);
  }

  #open(failed) {
    const { clip } = this.log.meta;
    const report = () => failed();
    this.video.addEventListener("error", report);
    if (clip.href !== null) {
      this.video.src = clip.href;
    } else {
      const bytes = bytesOf(document.getElementById("clip").textContent);
      this.video.src = URL.createObjectURL(new Blob([bytes], { type: clip.type }));
    }
  }

  #follow() {
    const { video } = this;
    if ("requestVideoFrameCallback" in video) {
      let passed = null;
      const take = (_, { mediaTime, presentationTime }) => {
        video.requestVideoFrameCallback(take);
        if (passed === null) this.#begin(mediaTime);
        passed = this.#late(presentationTime) && passed < MOST_PASSED ? passed + 1 : 0;
        if (!passed) this.#tell(mediaTime);
      };
      video.requestVideoFrameCallback(take);
      video.addEventListener("pause", () => passed !== null && this.#settle());
      video.addEventListener("seeked", () => this.#insist(PATIENCE));
    } else {
      const take = () => {
        this.#tell(video.currentTime);
        requestAnimationFrame(take);
      };
      video.addEventListener("loadeddata", take, { once: true });
    }
  }

  /** A picture that came between two callbacks is never told of: a seek to where the clip stopped brings it again. */
  #settle() {
    const { video } = this;
    if (this.reverse || video.seeking) return;
    this.goal = video.currentTime + this.offset;
    video.currentTime = video.currentTime;
  }

  /** The picture of a seek may come between two callbacks as well: it is sought until it is told of. */
  #insist(refreshes) {
    const { video } = this;
    if (this.goal === null || video.seeking) return;
    if (refreshes > 0) requestAnimationFrame(() => this.#insist(refreshes - 1));
    else video.currentTime = video.currentTime;
  }

  /** True where the next picture may be on screen already, so that it would be taken for this one. */
  #late(presentationTime) {
    const { paused, playbackRate } = this.video;
    const lasts = (1000 * this.log.frame) / playbackRate;
    return !paused && performance.now() - presentationTime > Math.max(REFRESH, lasts - REFRESH);
  }

  /** The clip's first picture need not be at 0; the log counts from it all the same. */
  #begin(mediaTime) {
    const { currentTime } = this.video;
    const { begin, step } = this.log;
    if (!this.sought || mediaTime > currentTime + 2 * step) this.offset -= mediaTime;
    if (!this.sought && begin > mediaTime + this.offset + step) this.seek(begin);
  }

  #tell(mediaTime) {
    this.seconds = mediaTime + this.offset;
    if (!this.video.seeking) this.goal = null;
    if (this.playing && this.seconds > this.log.end - this.log.frame / 2) return this.#stop();
    this.shown(this.seconds);
  }

  /** The clip may go on where the log does not. */
  #stop() {
    this.pause();
    this.seek(this.log.last);
  }

  #playBackwards(rate) {
    this.video.pause();
    const running = this.reverse > 0;
    this.reverse = rate;
    this.changed();
    if (running) return;
    let before = performance.now();
    const go = (now) => {
      if (!this.reverse) return;
      if (!this.video.seeking) {
        const to = this.seconds - ((now - before) / 1000) * this.reverse;
        before = now;
        this.video.currentTime = Math.max(0, Math.max(to, this.log.begin) - this.offset);
        if (to <= this.log.begin) return void this.pause();
      }
      requestAnimationFrame(go);
    };
    requestAnimationFrame(go);
  }

  #stopReverse() {
    this.reverse = 0;
  }
}
