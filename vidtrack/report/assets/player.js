// The player: plays, seeks by frame, and reports the time on screen.

const SHUTTLE = [1, 2, 4, 8];
const MAX_SKIPPED = 2; // consecutive late callbacks that may be ignored
const PATIENCE = 10; // screen refreshes within which a seek's frame is reported
const REFRESH = 8; // milliseconds, half a refresh at 60 Hz
const NUDGE = 0.001; // seconds

class Player {
  /** `shown(seconds)` is called with the log's time of each frame shown, `changed()` when play or speed change. */
  constructor(video, log, { shown, changed, failed }) {
    this.video = video;
    this.log = log;
    this.shown = shown;
    this.changed = changed;
    this.offset = log.meta.clip.origin; // log's time minus media time
    this.seconds = log.begin;
    this.goal = null; // target of a pending seek, in seconds
    this.nudge = NUDGE;
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

  /** Speed: negative in reverse, 0 when paused. */
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

  /** Faster in one direction (1 or -1), or at normal speed after playing the other way. */
  shuttle(direction) {
    const now = this.speed * direction;
    const rate = now < 1 ? 1 : SHUTTLE[Math.min(SHUTTLE.indexOf(now) + 1, SHUTTLE.length - 1)] || 1;
    if (direction > 0) this.play(rate);
    else this.#playBackwards(rate);
  }

  /** The position, or the target of a pending seek. */
  get heading() {
    return this.goal ?? this.seconds;
  }

  seek(seconds) {
    const { log } = this;
    seconds = Math.min(Math.max(seconds, log.begin), log.last);
    if (this.video.error) return this.#tell(seconds - this.offset); // tracks can be viewed without the clip
    this.goal = seconds;
    this.sought = true;
    const row = Math.max(0, log.rowAt(seconds));
    const begin = log.seconds[row] ?? 0;
    const room = Math.min(log.frame, (log.seconds[row + 1] ?? Infinity) - begin);
    const to = Math.abs(begin - seconds) < room / 2 ? begin : seconds;
    this.video.currentTime = Math.max(0, to + room / 4 - this.offset); // well inside the frame, as browsers round
  }

  /** Move by a number of frames, back if negative. */
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
      let skipped = null;
      const take = (_, { mediaTime, presentationTime }) => {
        video.requestVideoFrameCallback(take);
        if (skipped === null) this.#begin(mediaTime);
        skipped = this.#late(presentationTime) && skipped < MAX_SKIPPED ? skipped + 1 : 0;
        if (!skipped) this.#tell(mediaTime);
      };
      video.requestVideoFrameCallback(take);
      video.addEventListener("pause", () => skipped !== null && this.#settle());
      video.addEventListener("seeked", () => this.#insist(PATIENCE));
    } else {
      const take = () => {
        this.#tell(video.currentTime);
        requestAnimationFrame(take);
      };
      video.addEventListener("loadeddata", take, { once: true });
    }
  }

  /** A frame shown between two callbacks is never reported; seeking to the stop position shows it again. */
  #settle() {
    const { video } = this;
    if (this.reverse || video.seeking) return;
    this.goal = video.currentTime + this.offset;
    this.#seekAgain();
  }

  /** The frame of a seek can also fall between two callbacks: seek again until it is reported. */
  #insist(refreshes) {
    const { video } = this;
    if (this.goal === null || video.seeking) return;
    if (refreshes > 0) requestAnimationFrame(() => this.#insist(refreshes - 1));
    else this.#seekAgain();
  }

  /** Browsers ignore a seek to the current position of a paused clip, and show no frame at its very end. */
  #seekAgain() {
    const { last, frame } = this.log;
    this.nudge = -this.nudge;
    const within = Math.min(this.video.currentTime, last + frame / 4 - this.offset);
    this.video.currentTime = Math.max(0, within + this.nudge);
  }

  /** Whether the next frame may already be on screen and be mistaken for this one. */
  #late(presentationTime) {
    const { paused, playbackRate } = this.video;
    const lasts = (1000 * this.log.frame) / playbackRate;
    return !paused && performance.now() - presentationTime > Math.max(REFRESH, lasts - REFRESH);
  }

  /** The clip's first frame need not be at 0; the log's times are relative to it. */
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

  /** The clip may be longer than the log. */
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
