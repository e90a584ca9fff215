// Words and colours.

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';

/** 1:02:03.4 or 2:03.4, with this many decimals. */
function clock(seconds, decimals = 1) {
  const unit = 10 ** decimals;
  const whole = Math.round(Math.max(0, seconds) * unit);
  const hours = Math.floor(whole / unit / 3600);
  const minutes = Math.floor(whole / unit / 60) % 60;
  const rest = ((whole % (60 * unit)) / unit).toFixed(decimals).padStart(decimals ? 3 + decimals : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

function plural(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

const css = ([r, g, b], alpha = 1) => `rgb(${r} ${g} ${b} / ${alpha})`;

/** Relative luminance of WCAG 2. */
function luminance(colour) {
  const [r, g, b] = colour.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

const inkOn = (colour) => (luminance(colour) > 0.179 ? "#000" : "#fff");

/** The colour, darkened or lightened if needed for contrast with a background. */
function against(colour, ground) {
  const towards = luminance(ground) > 0.5 ? 0 : 255;
  let mixed = colour;
  for (let share = 0; contrast(mixed, ground) < 3 && share < 1; share += 0.1) {
    mixed = colour.map((value) => Math.round(value + (towards - value) * share));
  }
  return mixed;
}

/** Fit a canvas to its element on this screen; returns its context in CSS pixels and its size. */
function fitted(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** A function that runs another at most once per frame, however often it is called. */
function onceAFrame(work) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      work();
    });
  };
}
