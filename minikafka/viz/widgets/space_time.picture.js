// The space-time diagram: a lane per node, time to the right, messages as arrows, waits as bars.
//
//     plan ─► draw(view) ─► patch the SVG
//
//     whole run ┃ ▂▁▂▂▁▂▂▁[▂▁▂]▂▂▁▂▂▁▂▂▁▂▂▁▂▂▁▂    only when a part of it is in view
//     producer  ┃ ▭ fills ▭ in flight ─────────┐
//               ┃   ╲ Produce      ack ╱
//     broker-1  ┃    ▪ LEO 3  ⚑ HW 3   ⏸ Fetch waits …
//               ┃            ╱ Fetch        ╲ 88 B
//     consumer  ┃           ▲ next 0         ▲ next 3
//
// A view is an instant, a window of time, and what is selected. `still` is the picture without a
// browser.

const SMALL = 14; // a bar this narrow has no words

function draw(common, view) {
  const picture = new Picture(common.width);
  new Diagram(common, view, picture).draw();
  picture.height = common.height;
  return picture;
}

function ticksIn({ from, to }, count) {
  const rough = Math.max(1, (to - from) / count), power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(n => n * power).find(n => n >= rough);
  const found = [];
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) found.push(t);
  return found;
}

// Of arrows in the order of their beginning, those that touch a window.
function arrowsIn(common, { from, to }) {
  const found = [];
  for (let i = placeAfter(common.starts, from - common.longest - 1); i < common.arrows.length; i++) {
    const arrow = common.arrows[i];
    if (arrow.t0 > to) break;
    if (arrow.t1 >= from) found.push(arrow);
  }
  return found;
}

// The sign of something that happened, its left edge at x and its middle at y: a path to fill.
function markPoints({ kind, idea }, x, y) {
  if (kind === "append") return ["M", x, y - 4, "H", x + 7, "V", y + 3, "H", x, "Z"];
  if (kind === "high_watermark")
    return ["M", x - 1, y - 7, "H", x + 8, "L", x + 5, y - 3.5, "L", x + 8, y, "H", x + 1, "V", y + 6, "H", x - 1, "Z"];
  if (kind === "position") return ["M", x + 4, y - 5, "L", x + 8, y + 3, "H", x, "Z"];
  if (idea === "lost") return null; // a cross
  return ["M", x + 4, y - 5, "L", x + 8, y - 0.5, "L", x + 4, y + 4, "L", x, y - 0.5, "Z"];
}

// A bar with its corners cut off.
const barPoints = (x, y, w, h, c) => ["M", x + c, y, "H", x + w - c, "L", x + w, y + c, "V", y + h - c, "L", x + w - c, y + h,
  "H", x + c, "L", x, y + h - c, "V", y + c, "Z"];

const markFill = mark => mark.kind === "append" ? "ink" : mark.idea;

// Many small shapes that look the same, as one path for each row: what would lie on the one before it
// is left out.
class Strokes {
  constructor() { this.rows = new Map(); }
  add(row, points, look, x, wide) {
    if (!this.rows.has(row)) this.rows.set(row, { points: [], look, end: -Infinity });
    const found = this.rows.get(row);
    if (wide && x < found.end + 2 && wide < 4) return;
    found.points.push(...points);
    found.end = x + wide;
  }
  draw(picture) { for (const { points, look } of this.rows.values()) picture.path(points, look); }
}

class Diagram {
  constructor(common, view, picture) {
    this.common = common; this.view = view; this.picture = picture; this.focus = view.focus;
    this.shift = LEFT - view.from * common.scale; // from pixels of the run to pixels of the picture
    this.right = common.width - 2;
  }

  x(time) { return this.shift + time * this.common.scale; }
  part(thing) { return this.focus?.part(thing) ?? ""; }
  isWanted(part) { return !this.view.onlyLinked || !this.focus || part !== ""; }
  isSeen(since, until) { return since <= this.view.time && since <= this.view.to && until >= this.view.from; }

  draw() {
    this.overview();
    this.axis();
    this.lanes();
    const arrows = this.arrows();
    this.paths();
    this.waits();
    this.marks();
    const discs = this.discs(arrows);
    this.labels(arrows, discs);
    for (const [label, x, y] of discs) callOut(this.picture, label, x, y);
    this.now();
  }

  overview() {
    const { overview, width } = this.common, { from, to, time } = this.view, paint = this.picture;
    if (!overview) return;
    for (const { idea, counts, lost, most, y } of overview.bands) {
      const base = y + BAND;
      paint.text(0, base - 2, BANDS[idea], "ink-2", 11);
      paint.line(LEFT, base, width - RIGHT, base, { stroke: "line" });
      const strokes = [...counts].flatMap(([x, n]) => ["M", LEFT + x + 1.5, base, "V", base - 2 - (BAND - 2) * Math.sqrt(n / most)]);
      paint.path(strokes, { stroke: idea, stroke_width: 2 });
      for (const x of lost) cross(paint, LEFT + x + 1.5, base - 6, 3);
    }
    for (const x of overview.crashes)
      paint.line(LEFT + x, 1, LEFT + x, overview.bottom, { stroke: "lost", stroke_width: 1.4, stroke_dasharray: "3 2" });
    const at = t => LEFT + t * overview.scale, x0 = at(from), x1 = Math.max(x0 + 6, at(to)), high = overview.bottom;
    paint.rect(x0, 0.5, x1 - x0, high, { rx: 3, fill: "none", stroke: "ink", stroke_width: 1.6 });
    for (const x of [x0, x1]) paint.line(x, high / 2 - 5, x, high / 2 + 6, { stroke: "ink", stroke_width: 4, stroke_linecap: "round" });
    paint.line(at(time), 0, at(time), high + 4, { stroke: "ink", stroke_width: 1 });
    paint.anchor("window", (x0 + x1) / 2, high);
  }

  axis() {
    const { common, picture } = this, y = common.top - AXIS, bottom = common.height - 6;
    let end = -Infinity;
    for (const time of ticksIn(this.view, Math.max(3, (common.width - LEFT) / 110))) {
      const words = timeText(+time.toFixed(3)), half = textWidth(words, 11) / 2, x = Math.min(this.x(time), common.width - half);
      picture.line(this.x(time), common.top - 6, this.x(time), bottom, { stroke: "line" });
      if (x - half > end + 6) { picture.text(x, y + 11, words, "ink-3", 11, { text_anchor: "middle" }); end = x + half; }
    }
  }

  lanes() {
    for (const { name, role, top, bottom } of this.common.lanes.values()) {
      this.picture.rect(LEFT - 6, top, this.common.width - LEFT + 5, bottom - top, { rx: 3, fill: "raised", stroke: "edge" });
      const twoLines = !name.startsWith(role) && bottom - top >= 27, y = (top + bottom) / 2 + (twoLines ? -2 : 4);
      this.picture.text(0, y, shortened(name, LEFT - 10, 12, true), "ink", 12, { bold: 1 });
      if (twoLines) this.picture.text(0, y + 13, role, "ink-2", 11);
    }
  }

  // Lines of all messages that have been sent; returns those that stand there, for their words.
  arrows() {
    const { common, view } = this, seen = arrowsIn(common, view).filter(arrow => arrow.t0 <= view.time);
    const drawn = seen.map(arrow => ({ arrow, part: this.part(arrow.message) })).filter(({ part }) => this.isWanted(part));
    if (common.bundles) this.bundles(drawn.filter(({ part }) => part).map(({ arrow }) => this.x((arrow.t0 + arrow.t1) / 2)));
    const alone = common.bundles ? drawn.filter(({ arrow, part }) => part || arrow.message.arrived === LOST) : drawn;
    for (const { arrow, part } of alone)
      if (part === "chosen" || part === "before") this.line(arrow, { stroke: "cell", stroke_width: 9, stroke_linecap: "round" });
    for (const { arrow, part } of alone) this.arrow(arrow, part);
    return alone;
  }

  // How far an arrow is, as a line inside the lanes: it may enter from the left and leave to the right.
  reach({ t0, t1, y0, y1, most = 1 }) {
    const p = Math.min(most, (this.view.time - t0) / Math.max(1, t1 - t0)), x0 = this.x(t0), x1 = this.x(t1);
    const tip = [x0 + (x1 - x0) * p, y0 + (y1 - y0) * p], low = LEFT - 5;
    const at = x => y0 + (y1 - y0) * (x - x0) / (x1 - x0 || 1);
    const isIn = tip[0] >= low && tip[0] <= this.right;
    return { p, begins: x0 >= low, isIn, isGone: tip[0] < low || x0 > this.right, tip,
      from: x0 < low ? [low, at(low)] : [x0, y0], to: tip[0] > this.right ? [this.right, at(this.right)] : tip };
  }

  line(arrow, look) {
    const { from, to, isGone } = this.reach(arrow);
    if (!isGone) this.picture.line(...from, ...to, look);
  }

  arrow(arrow, part) {
    const { message, t1, y1, most } = arrow, { p, begins, isIn, isGone, tip, from, to } = this.reach(arrow), paint = this.picture;
    if (isGone) return;
    const width = part === "chosen" ? 3 : part ? 2.3 : this.focus ? 0.9 : 1.4;
    paint.line(...from, ...to, { stroke: message.idea, stroke_width: width, ...(part === "after" ? { stroke_dasharray: "5 3" } : {}) });
    if (message.is_answer && begins) paint.circle(...from, 2.6, { fill: "surface", stroke: message.idea, stroke_width: 1.3 });
    if (!isIn) return;
    if (message.arrived === LOST && p >= most) {
      if (this.x(t1) <= this.right) paint.line(...tip, this.x(t1), y1, { stroke: "edge", stroke_dasharray: "1.5 3" });
      cross(paint, ...tip, 5);
      paint.anchor("lost", tip[0] + 14, tip[1]);
    } else if (p > 0) arrowHead(paint, ...from, ...tip, message.idea, part ? 7.5 : 5.5);
  }

  // `taken`: where the selection's own arrows are.
  bundles(taken) {
    for (const bundle of this.common.bundles) {
      const { message, t0, t1, y0, y1, count, until } = bundle;
      if (!this.isSeen(t0, t1)) continue;
      const { isIn, isGone, tip, from, to } = this.reach(bundle), width = this.focus ? 0.9 : Math.min(5, 1 + Math.log2(count) * 0.7);
      if (isGone || (this.view.onlyLinked && this.focus)) continue;
      this.picture.line(...from, ...to, { stroke: message.idea, stroke_width: width });
      if (isIn) arrowHead(this.picture, ...from, ...tip, message.idea, 4 + width);
      const words = count > 1 ? `×${count}` : "", x = Math.max(this.x(t0), this.x(t1)) + width + 3, end = x + textWidth(words, 11) + 5;
      if (taken.some(other => other > x - 9 && other < end)) continue;
      if (x > LEFT && end < Math.min(this.right, this.x(until)) && t1 <= this.view.time)
        this.picture.text(x, (y0 + y1) / 2 + 4, words, "ink-2", 11);
    }
  }

  // What a lane did between the message that came and the one that went: ink, dashed for effects.
  paths() {
    const { focus, common } = this;
    if (!focus) return;
    const linked = [...focus.earlier, { thing: focus.chosen, part: "chosen" }, ...focus.later], arrivals = new Map();
    for (const { thing } of linked)
      if (thing.sent === undefined ? thing.at !== undefined : thing.arrived >= 0) arrivals.set(thing.events.at(-1), thing);
    for (const { thing, part } of linked) {
      const cause = thing.sent === undefined ? null : arrivals.get(focus.causes[thing.events[0]]), lane = common.lanes.get(thing.source);
      if (!cause || !lane || (cause.target ?? cause.lane) !== thing.source || thing.sent > this.view.time) continue;
      const isMark = cause.at !== undefined, xa = this.x(isMark ? cause.at : cause.arrived), xb = this.x(thing.sent);
      const ya = isMark ? lane.rows + common.row / 2 : heights(common, cause)[1], yb = heights(common, thing)[0];
      if (Math.min(xa, xb) < LEFT - 6 || Math.max(xa, xb) > this.right) continue;
      const turn = ya === yb ? (lane.top + lane.bottom) / 2 : yb + (yb === lane.top ? 3 : -3);
      const points = Math.abs(xa - xb) < 1 && ya !== yb ? ["M", xa, ya, "V", yb] : ["M", xa, ya, "V", turn, "H", xb, "V", yb];
      this.picture.path(points, { stroke: "ink", stroke_width: 1.9, ...(part === "after" ? { stroke_dasharray: "4 3" } : {}) });
    }
  }

  waits() {
    const { common, view, picture } = this, high = common.row - 5, small = new Strokes();
    for (const wait of common.shown.waits) {
      const part = this.part(wait);
      if (wait.place < 0 || !this.isSeen(wait.since, wait.until) || !this.isWanted(part)) continue;
      const isOpen = this.x(wait.since) < LEFT - 5.5, x0 = isOpen ? LEFT - 5.5 : this.x(wait.since), y = common.lanes.get(wait.lane).rows + wait.place * common.row + 2;
      const w = Math.max(2, Math.min(common.width - 3, this.x(Math.min(wait.until, view.time))) - x0);
      const isParked = wait.row === "waiting", isStrong = part === "before" || part === "after";
      const look = { fill: "surface", stroke: isParked ? "edge" : wait.idea, stroke_width: isStrong ? 2.2 : 1.1 };
      if (w < SMALL && !isOpen && !isStrong) small.add(`${look.stroke} ${y}`, barPoints(x0, y, w, high, isParked ? Math.min(4, w / 3) : 1), look, x0, w);
      else this.wait(wait, { x0, y, w, high, isOpen, isParked, look });
      if (isParked) picture.anchor("parked", x0 + w / 2, y - 9);
    }
    small.draw(picture);
  }

  wait(wait, { x0, y, w, high, isOpen, isParked, look }) {
    const more = wait.others ? ` · ${wait.others} more` : "", room = w - (isParked ? 20 : 10);
    const words = fitting([wait.title + more, wait.title, wait.title.split(":")[0],
      wait.title.replace(/ (in flight|waits|fills).*/, "")], room, 11);
    if (isParked) { parked(this.picture, x0, y, w, high, words, look.stroke_width, isOpen); return; }
    if (isOpen) this.picture.path(["M", x0, y, "H", x0 + w, "V", y + high, "H", x0], look);
    else this.picture.rect(x0, y, w, high, { rx: 2, ...look });
    this.picture.text(x0 + 5, y + high / 2 + 4, words, "ink", 11);
  }

  marks() {
    const { common, view } = this, signs = new Strokes();
    for (const mark of common.shown.marks) {
      if (mark.x === null || !this.isSeen(mark.at, mark.at)) continue;
      const part = this.part(mark), x = this.shift + mark.x, middle = common.lanes.get(mark.lane).rows + common.row / 2;
      if (!this.isWanted(part) || x + 9 > this.right) continue;
      const points = markPoints(mark, x, middle);
      if (points) signs.add(`${mark.lane} ${mark.kind}`, points, { fill: markFill(mark) }, x, 0);
      else cross(this.picture, x + 3.5, middle - 0.5, 3.5);
      const colour = mark.idea === "write" ? "ink" : `${mark.idea}-text`;
      const wide = textWidth(mark.words, 11, true), bold = part ? { bold: 1 } : {};
      if (x + 10 + wide <= common.width) this.picture.text(x + 10, middle + 3.5, mark.words, colour, 11, bold);
      else if (mark.room > wide + 10)
        this.picture.text(x - 5, middle + 3.5, mark.words, colour, 11, { text_anchor: "end", ...bold });
      this.picture.anchor(mark.kind, x + 4, middle - 17);
    }
    signs.draw(this.picture);
  }

  // The steps of the selection, numbered in time, as the list beside the picture has them.
  discs(arrows) {
    if (!this.focus) return [];
    const places = new Map(), { common, shift } = this;
    for (const { arrow, arrow: { x0, y0, x1, y1, message } } of arrows) {
      const p = 0.14 + (x1 - x0 > 400 ? 0.1 : 0), x = shift + x0 + (x1 - x0) * p;
      if (this.reach(arrow).p > p && x > LEFT && x < this.right) places.set(message, [x, y0 + (y1 - y0) * p]);
    }
    for (const wait of common.shown.waits) { // before its bar, or behind it
      if (wait.place < 0 || !this.part(wait) || !this.isSeen(wait.since, wait.until)) continue;
      const from = this.x(wait.since), to = this.x(Math.min(wait.until, this.view.time)), x = from - 10 > LEFT ? from - 10 : to + 10;
      if (x > LEFT && x < this.right)
        places.set(wait, [x, common.lanes.get(wait.lane).rows + (wait.place + 0.5) * common.row]);
    }
    let free = -Infinity;
    for (const mark of common.shown.marks) {
      if (!this.isSeen(mark.at, mark.at)) continue;
      if (mark.x === null || shift + mark.x + 9 > this.right) { // its sign has no room: the number stands below
        if (!this.part(mark)) continue;
        const at = Math.max(this.x(mark.at), free);
        if (at > LEFT && at < this.right) places.set(mark, [at, common.lanes.get(mark.lane).bottom]);
        free = at + 19;
        continue;
      }
      const wide = textWidth(mark.words, 11, true), isBefore = shift + mark.x + 10 + wide > common.width;
      const x = shift + mark.x + (isBefore && mark.room > wide + 10 ? -wide - 16 : mark.room > 12 ? -10 : wide + 23);
      if (x > LEFT && x < this.right) places.set(mark, [x, common.lanes.get(mark.lane).rows + common.row / 2]);
    }
    const found = [];
    for (const [thing, [x, y]] of places) { // those of arrows came first; the others give way
      const number = this.focus.steps.findIndex(step => step.thing === thing) + 1;
      let free = x;
      while (found.some(([, ox, oy]) => Math.abs(ox - free) < 18 && Math.abs(oy - y) < 18)) free -= 19;
      if (number) found.push([`${number}`, free, y]);
    }
    return found;
  }

  // Words beside the arrows. Those of the selection come first; others keep their place or give way.
  labels(arrows, discs) {
    const { common, shift } = this, fixed = discs.map(([, x, y]) => [x - shift - 9, y - 9, 18, 18]);
    const isFree = box => !fixed.some(other => hits(box, other));
    const isInside = ({ box: [x, , w] }) => x + shift >= LEFT - 4 && x + w + shift <= this.right;
    const put = (arrow, label) => { fixed.push(label.box); this.label(arrow.message, label); };
    const linked = arrows.filter(({ part }) => part), others = arrows.filter(({ part }) => !part);
    for (const { arrow } of linked) {
      const own = arrow.label && isFree(arrow.label.box) && isInside(arrow.label) ? arrow.label : null;
      const label = own ?? common.words.find(arrow, box => isFree(box) && isInside({ box }));
      if (label) put(arrow, label);
    }
    for (const { arrow } of others)
      if (arrow.label && isInside(arrow.label) && isFree(arrow.label.box)) put(arrow, arrow.label);
  }

  label({ idea }, { box: [, y], first, second, x, anchor }) {
    const look = { halo: "surface", ...(anchor === "end" ? { text_anchor: "end" } : {}) };
    this.picture.text(x + this.shift, y + 11, first, `${idea}-text`, 12, { bold: 1, ...look });
    this.picture.text(x + this.shift, y + 24, second, "ink-2", 11, look);
  }

  now() {
    const { view, common } = this, x = this.x(view.time), y = common.top;
    if (view.time >= common.story.end || x < LEFT || x > common.width) return;
    this.picture.line(x, y - 8, x, common.height - 6, { stroke: "ink", stroke_width: 1.2 });
    this.picture.path(["M", x - 4, y - 12, "H", x + 4, "L", x, y - 6, "Z"], { fill: "ink" });
  }
}

// An instant as it is drawn without a browser.
export function still({ story, time = story.end, width, selected = -1, hidden, onlyLinked = false }) {
  const shown = shownOf(story, hidden ?? { kinds: story.chatter, nodes: [] }), span = stretch(story, shown);
  const focus = focusOf(story, shown, selected), at = focus ? focus.chosen.sent + span / 5 : time;
  const view = { time, ...windowAt(story, span, at - span * 0.8), focus, onlyLinked };
  const { height, shapes, anchors } = draw(plan(story, shown, width, span), view);
  return { width, height, shapes, anchors, label: describe(story, shown, time) };
}
