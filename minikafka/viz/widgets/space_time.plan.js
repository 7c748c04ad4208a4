// Where everything of a space-time diagram stands, for a width and a scale (µs across the picture).
//
//     shown + width + span ─► plan: lanes, arrows with their words, bars, marks
//                             in pixels of the whole run; a view slides over it
//
// So nothing jumps while it plays: a word has its place as long as the scale is the same. When more
// arrows would be in view than can be told apart, those of the same way and moment become one, and
// the plan says how many it stands for.

const LEFT = 92, RIGHT = 16, PAD = 5, AXIS = 24, BAND = 13;
const ROOMY = 40, BUNDLED = 150, BUNDLE_PX = 40, DENSE_LANES = 6, AWAY = 14;
const ALONG = [0.5, 0.36, 0.64, 0.24, 0.76, 0.14, 0.86];
const BANDS = { write: "Produce", read: "Fetch", rule: "other" };

const wholeOf = story => Math.max(1, story.end);

function plan(story, shown, width, span) {
  const isDense = shown.lanes.length > DENSE_LANES, isPart = span < wholeOf(story) * 0.999;
  const scale = (width - LEFT - RIGHT) / span;
  const common = { story, shown, width, span, scale, isDense, row: isDense ? 18 : 22 };
  common.overview = isPart ? overviewOf(story, shown, width) : null;
  common.top = AXIS + (isPart ? common.overview.bottom + 10 : 0);
  placeLanes(common);
  placeArrows(common);
  placeMarks(common);
  return common;
}

// ---- lanes and what waits in them --------------------------------------------------------------

// Bars that overlap get rows of their own, the first that is free below those above. Those that find
// none are counted at the bar that was put last.
function packed(bars, most, above) {
  const last = [];
  let latest = null;
  for (const bar of bars) {
    let row = last.findIndex(other => Math.max(other.until, other.since + 1) <= bar.since);
    if (row < 0 && last.length < most) row = last.length;
    bar.place = row < 0 ? -1 : above + row;
    bar.others = 0;
    if (row < 0) latest.others += 1; else last[row] = latest = bar;
  }
  return last.length;
}

function placeLanes(common) {
  const { story, shown, isDense, row } = common, most = isDense ? 2 : 5;
  const through = throughGaps(shown);
  const roomy = shown.messages.length > ROOMY ? 62 : 78, open = isDense ? 36 : shown.lanes.length > 4 ? 54 : roomy;
  common.lanes = new Map();
  let y = common.top;
  shown.lanes.forEach((index, i) => {
    const lane = story.lanes[index];
    const waits = shown.waits.filter(wait => wait.lane === index), isFill = wait => wait.row === "filling";
    const groups = isDense ? [waits] : [waits.filter(isFill), waits.filter(wait => !isFill(wait))];
    const markRows = shown.marks.some(mark => mark.lane === index) ? 1 : 0;
    let rows = markRows;
    for (const group of groups) rows += packed(group, most, rows);
    const height = rows ? rows * row + 2 * PAD : isDense ? 18 : 32;
    common.lanes.set(index, { name: lane.name, role: lane.role, top: y, bottom: y + height, rows: y + PAD });
    y += height + (through[i] > shown.messages.length / 25 ? open : through[i] ? 14 : 8);
  });
  const placed = [...common.lanes.values()];
  common.gaps = placed.slice(1).map((lane, i) => [placed[i].bottom, lane.top]);
  common.height = (placed.at(-1)?.bottom ?? common.top) + 6;
}

// How many messages pass between a lane and the next.
function throughGaps(shown) {
  const place = new Map(shown.lanes.map((lane, i) => [lane, i])), found = shown.lanes.map(() => 0);
  for (const { source, target } of shown.messages) {
    const a = place.get(source), b = place.get(target);
    for (let i = Math.min(a, b); i < Math.max(a, b); i++) found[i] += 1;
  }
  return found;
}

// What happened: a sign each, and its words where they end before the next instant's begin.
function placeMarks({ shown, scale, lanes }) {
  for (const lane of lanes.keys()) {
    const marks = shown.marks.filter(mark => mark.lane === lane);
    let free = -Infinity, next = 0;
    marks.forEach((mark, i) => {
      while (next < marks.length && (next <= i || marks[next].at <= mark.at)) next += 1;
      const x = mark.at * scale, at = Math.max(x, free), drift = at - x;
      const limit = next < marks.length ? marks[next].at * scale - 4 : Infinity;
      mark.words = drift < 80 ? fitting([mark.title, mark.title.split(": ").at(-1)], limit - at - 12, 11, true) : "";
      mark.x = mark.words || drift <= 14 ? at : null; // what has no room is left out: zoom shows it
      if (mark.x === null) return;
      mark.room = at - free;
      free = at + (mark.words ? textWidth(mark.words, 11, true) + 18 : 9);
    });
  }
}

// ---- arrows and their words --------------------------------------------------------------------

// At the edges of its lanes that face each other.
function heights(common, message) {
  const source = common.lanes.get(message.source), target = common.lanes.get(message.target);
  return source.top < target.top ? [source.bottom, target.top] : [source.top, target.bottom];
}

function placeArrows(common) {
  const { story, shown, scale, span } = common;
  common.arrows = shown.messages.map(message => {
    const [y0, y1] = heights(common, message), t0 = message.sent, t1 = endOf(message, shown);
    const most = message.arrived >= 0 ? 1 : message.arrived === LOST ? 0.62 : 0.9;
    return { message, t0, t1, x0: t0 * scale, x1: t1 * scale, y0, y1, most };
  });
  common.longest = Math.max(0, ...common.arrows.map(arrow => arrow.t1 - arrow.t0));
  common.starts = common.arrows.map(arrow => arrow.t0);
  const inView = shown.messages.length * span / wholeOf(story);
  common.isRoomy = inView <= ROOMY;
  common.bundles = inView > BUNDLED ? bundled(common.arrows) : null;
  common.words = new Words(common);
  for (const arrow of common.arrows) if (arrow.message.arrived === LOST) common.words.taken.add(crossBox(arrow));
  if (common.bundles) return;
  const answers = common.arrows.filter(arrow => arrow.message.is_answer);
  for (const arrow of [...common.arrows.filter(arrow => !arrow.message.is_answer), ...answers]) {
    arrow.label = common.words.find(arrow);
    if (arrow.label) common.words.taken.add(arrow.label.box);
  }
}

const crossBox = ({ x0, x1, y0, y1, most }) => [x0 + (x1 - x0) * most - 8, y0 + (y1 - y0) * most - 8, 16, 16];

// Arrows that go the same way at the same moment, as one. What is lost always stands for itself.
function bundled(arrows) {
  const found = new Map();
  for (const arrow of arrows) {
    const { message, t0, t1, y0, y1 } = arrow;
    if (message.arrived === LOST) continue;
    const key = [message.source, message.target, message.idea, message.is_answer, Math.floor(arrow.x0 / BUNDLE_PX)].join();
    const bundle = found.get(key) ?? { message, t0, t1, y0, y1, count: 0 };
    found.set(key, bundle);
    bundle.count += 1;
    bundle.t1 += (t1 - t0 - (bundle.t1 - bundle.t0)) / bundle.count; // they last as long as the middle one
  }
  const all = [...found.values()].sort((a, b) => a.t0 - b.t0), next = new Map();
  for (const bundle of [...all].reverse()) { // until the next one in the same gap there is room for words
    const gap = [bundle.y0, bundle.y1].sort().join();
    bundle.until = next.get(gap) ?? Infinity;
    next.set(gap, bundle.t0);
  }
  return all;
}

// Boxes by where they are, so that only neighbours are compared.
class Boxes {
  constructor(wide = 128) { this.wide = wide; this.columns = new Map(); }
  add(box, thing = box) {
    for (let i = Math.floor(box[0] / this.wide); i <= Math.floor((box[0] + box[2]) / this.wide); i++) {
      if (!this.columns.has(i)) this.columns.set(i, []);
      this.columns.get(i).push(thing);
    }
  }
  some([x, , w], test) {
    for (let i = Math.floor((x - 6) / this.wide); i <= Math.floor((x + w + 6) / this.wide); i++)
      if (this.columns.get(i)?.some(test)) return true;
    return false;
  }
}

const hits = ([x, y, w, h], [ox, oy, ow, oh]) => x < ox + ow + 5 && ox < x + w + 5 && y < oy + oh + 1 && oy < y + h + 1;
const xAt = ({ x0, y0, x1, y1 }, y) => x0 + (x1 - x0) * (y - y0) / (y1 - y0 || 1);

// Places for words beside arrows, where they hit neither each other nor a lane, nor, where there is
// room, another arrow. Longest wording first.
class Words {
  constructor(common) {
    this.common = common;
    this.taken = new Boxes();
    this.lines = new Boxes();
    for (const arrow of common.arrows)
      this.lines.add([Math.min(arrow.x0, arrow.x1), 0, Math.abs(arrow.x1 - arrow.x0), 0], arrow);
    this.right = wholeOf(common.story) * common.scale + RIGHT - 2;
  }

  // A place for an arrow's words that is free of these boxes too; null if there is none.
  find(arrow, isFree = () => true) {
    const { title, more, is_answer } = arrow.message;
    const wordings = this.common.isRoomy && more ? [[title, more], [title, ""]] : [[title, more]];
    for (const [first, second] of wordings) {
      const wide = Math.max(textWidth(first, 12, true), textWidth(second, 11)), high = second ? 28 : 15;
      for (const [top, bottom] of this.gapsOf(arrow))
        for (const p of ALONG)
          for (const side of is_answer ? [1, -1] : [-1, 1]) {
            const y = top + (bottom - top) * p, xs = [y - high / 2, y + high / 2].map(at => xAt(arrow, at));
            const x = side < 0 ? Math.min(...xs) - 6 - wide : Math.max(...xs) + 6, box = [x, y - high / 2, wide, high];
            if (y - high / 2 < top + 2 || y + high / 2 > bottom - 2 || x < -4 || x + wide > this.right) continue;
            if (!isFree(box) || this.taken.some(box, other => hits(box, other)) || this.isCrossed(arrow, box, side)) continue;
            return { box, first, second, x: side < 0 ? x + wide : x, anchor: side < 0 ? "end" : "start" };
          }
    }
    return null;
  }

  // The stretches between lanes that an arrow passes, from its source on.
  gapsOf({ y0, y1 }) {
    const low = Math.min(y0, y1), high = Math.max(y0, y1);
    const found = this.common.gaps.filter(([top, bottom]) => top >= low - 1 && bottom <= high + 1);
    return y0 < y1 ? found : found.reverse();
  }

  // Another arrow must be well away from the far end of the words: they belong to the nearer one. And of
  // arrows that go the same way side by side, one has words.
  isCrossed(own, box, side) {
    const [x, y, w, h] = box, left = side < 0 ? x - AWAY : x - 2, right = x + w + (side > 0 ? AWAY : 2);
    return this.common.isRoomy && this.lines.some(box, other => {
      const low = Math.min(other.y0, other.y1), high = Math.max(other.y0, other.y1);
      if (other === own || y + h < low || y > high) return false;
      if (other.label && other.message.source === own.message.source && Math.abs(xAt(other, y) - xAt(own, y)) < AWAY) return true;
      const a = xAt(other, Math.max(y, low)), b = xAt(other, Math.min(y + h, high));
      return Math.max(a, b) > left && Math.min(a, b) < right;
    });
  }
}

// ---- the whole run, small ------------------------------------------------------------------------

// How many messages of each idea at each moment, as strokes; where something was lost, and crashes.
function overviewOf(story, shown, width) {
  const scale = (width - LEFT - RIGHT) / wholeOf(story), bands = [];
  for (const idea in BANDS) {
    const counts = new Map(), lost = [];
    for (const message of shown.messages) {
      if (message.idea !== idea) continue;
      const x = Math.floor(Math.max(0, message.sent) * scale / 3) * 3;
      counts.set(x, (counts.get(x) ?? 0) + 1);
      if (message.arrived === LOST) lost.push(x);
    }
    if (counts.size) bands.push({ idea, counts, lost, most: Math.max(...counts.values()), y: 4 + bands.length * (BAND + 3) });
  }
  const crashes = shown.marks.filter(mark => mark.kind === "crashed").map(mark => mark.at * scale);
  return { bands, crashes, scale, top: 0, bottom: 4 + bands.length * (BAND + 3) + 3 };
}

// Of a run with many messages a stretch is shown that holds about as many as have room.
function stretch(story, shown) {
  const count = shown.messages.length;
  return count > ROOMY ? Math.max(20, wholeOf(story) * ROOMY * 0.75 / count) : wholeOf(story);
}

// A stretch that begins here, inside the run.
function windowAt(story, span, from) {
  const at = Math.max(0, Math.min(wholeOf(story) - span, from));
  return { from: at, to: at + span };
}
