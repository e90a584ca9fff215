// The clip: plays, seeks by frame, and says which moment is on screen.

const SHUTTLE = [1, 2, 4, 8];

class Player {
  /** `shown(seconds)` is called with the log's time of each picture shown, `changed()` when play or speed change. */
  constructor(video, log, { shown, changed, failed }) {
    this.video = video;
    this.log = log;
    this.shown = shown;
    this.changed = changed;
    this.offset = log.meta.clip.origin; // log's time minus media time
    this.seconds = log.seconds[0] ?? 0;
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
    if (this.video.error) return this.#tell(seconds - this.offset); // tracks can be looked at without the clip
    this.goal = seconds;
    this.sought = true;
    const frame = Math.max(0, this.log.rowAt(seconds));
    const on = this.log.seconds[frame] ?? 0;
    const media = (Math.abs(on - seconds) < this.log.step / 2 ? on + this.log.step / 4 : seconds) - this.offset;
    this.video.currentTime = Math.max(0, media);
  }

  /** So many frames on (or back). */
  step(frames) {
    this.pause();
    const row = Math.min(Math.max(this.log.rowAt(this.heading) + frames, 0), this.log.frameCount - 1);
    this.seek(this.log.seconds[row]);
  }

  jump(seconds) {
    this.seek(Math.min(Math.max(this.heading + seconds, 0), this.log.seconds.at(-1) ?? 0));
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
      let first = true;
      const take = (_, { mediaTime }) => {
        if (first) this.#begin(mediaTime);
        first = false;
        this.#tell(mediaTime);
        video.requestVideoFrameCallback(take);
      };
      video.requestVideoFrameCallback(take);
    } else {
      const take = () => {
        this.#tell(video.currentTime);
        requestAnimationFrame(take);
      };
      video.addEventListener("loadeddata", take, { once: true });
    }
  }

  /** The clip's first picture need not be at 0; the log counts from it all the same. */
  #begin(mediaTime) {
    const { currentTime } = this.video;
    const { seconds, step } = this.log;
    if (!this.sought || mediaTime > currentTime + 2 * step) this.offset -= mediaTime;
    if (!this.sought && seconds[0] > mediaTime + this.offset + step) this.seek(seconds[0]);
  }

  #tell(mediaTime) {
    this.seconds = mediaTime + this.offset;
    if (!this.video.seeking) this.goal = null;
    this.shown(this.seconds);
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
        this.video.currentTime = Math.max(0, to - this.offset);
        if (to <= this.offset) return void this.pause();
      }
      requestAnimationFrame(go);
    };
    requestAnimationFrame(go);
  }

  #stopReverse() {
    this.reverse = 0;
  }
}
