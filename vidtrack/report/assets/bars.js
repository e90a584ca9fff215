// Draws classes and tracks on the timeline, `view`.

function drawHeading(context, { top, count, lanes }, { text, soft, ground }) {
  const { label } = lanes[0][0];
  const y = top + LANE.head / 2 + 1;
  context.font = `500 12px ${FONT}`;
  context.textBaseline = "middle";
  const wide = context.measureText(`${label}  `).width;
  const words = plural(count, "track");
  context.fillStyle = css(ground);
  context.fillRect(4, top, wide + context.measureText(words).width + 8, LANE.head);
  context.fillStyle = text;
  context.fillText(label, 8, y);
  context.fillStyle = soft;
  context.fillText(words, 8 + wide, y);
}

function drawCuts(context, view, top, height) {
  context.strokeStyle = view.state.theme.soft;
  context.setLineDash([2, 3]);
  for (const { t, kind } of view.log.meta.events) {
    if (kind !== "cut" || t < view.from || t > view.to) continue;
    const x = Math.round(view.x(t)) + 0.5;
    context.beginPath();
    context.moveTo(x, top);
    context.lineTo(x, top + height);
    context.stroke();
  }
  context.setLineDash([]);
}

function drawBar(context, view, track, y, width) {
  const { log, state, lane } = view;
  if (track.first > view.to || track.first + track.length < view.from) return;
  const colour = against(state.colour(track), state.theme.ground);
  const perSecond = width / (view.to - view.from);
  const begin = log.objectFrom(track, Math.max(0, log.rowAt(view.from)));
  const end = log.objectFrom(track, log.rowAt(view.to) + 1);
  const wide = Math.max(1, log.step * perSecond);
  context.globalAlpha = state.current && state.current !== track ? 0.6 : 1;
  const back = css(colour, 0.3);
  const front = css(colour);
  const left = Math.max(0, view.x(track.first));
  const right = Math.min(width, view.x(track.first + track.length));
  context.fillStyle = back;
  context.fillRect(left, y + lane / 2 - 1, right - left, 2); // joins the parts on either side of a gap
  let i = begin;
  while (i < end) {
    const x = Math.round((log.seconds[log.rows[i]] - view.from) * perSecond);
    let sum = 0;
    let count = 0;
    let next = x;
    for (; i < end; i++) {
      const at = (log.seconds[log.rows[i]] - view.from) * perSecond;
      if (count && Math.round(at) > x) break;
      sum += log.scores[i];
      count++;
      next = Math.max(x + 1, Math.round(at + wide));
    }
    if (i < end && log.rows[i] === log.rows[i - 1] + 1) {
      next = Math.round((log.seconds[log.rows[i]] - view.from) * perSecond); // no gap between neighbours
    }
    const high = Math.max(1, Math.round((sum / count / 255) * lane));
    context.fillStyle = back;
    context.fillRect(x, y, next - x, lane);
    context.fillStyle = front;
    context.fillRect(x, y + lane - high, next - x, high);
  }
  if (track === state.current) {
    context.strokeStyle = state.theme.text;
    context.lineWidth = 1.5;
    context.strokeRect(left - 0.5, y - 0.5, right - left + 1, lane + 1);
  }
  if (lane >= LANE.roomy) drawId(context, view, track, left, right, y);
  context.globalAlpha = 1;
}

function drawId(context, { state, lane }, { id }, left, right, y) {
  context.font = `600 10px ${FONT}`;
  const text = String(id);
  const wide = context.measureText(text).width + 6;
  if (right - left < wide + 4) return;
  context.fillStyle = state.theme.plate;
  context.beginPath();
  context.roundRect(left + 2, y + 3, wide, lane - 6, 3);
  context.fill();
  context.fillStyle = state.theme.text;
  context.textBaseline = "middle";
  context.fillText(text, left + 5, y + lane / 2 + 0.5);
}
