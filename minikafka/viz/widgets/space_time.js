// The space-time diagram: a lane per node, time to the right, messages as arrows, waits as bars.
//
//     story (viz/journeys.py) ─► plan(width) ─► draw(view) ─► patch the SVG
//
//     producer  ┃ ▭ fills ▭ in flight ─────────┐
//               ┃   ╲ Produce      ack ╱
//     broker-1  ┃    ▪ LEO 3  ⚑ HW 3   ⏸ Fetch waits …
//               ┃            ╱ Fetch        ╲ 88 B
//     consumer  ┃           ▲ next 0         ▲ next 3
//
// A plan belongs to the story and a width: nothing moves while it plays. A view is an instant, a
// stretch of time, and what is selected. `still` is the picture without a browser; drawing.js and
// player.js stand in front of this file.
//
// Not done: a lane's rows do not scroll: of many waits at once only the first few have a row.

const LOST = -1, LEFT = 92, RIGHT = 16, ROW = 22, PAD = 5, AXIS = 24;
const MOST_ROWS = 5, MOST_LABELS = 160, ROOMY = 40, MANY = 60;
const ALONG = [0.5, 0.36, 0.64, 0.24, 0.76];

// ---- where everything stands -------------------------------------------------------------------

// Bars that overlap get rows of their own, the first that is free.
function packed(bars) {
  const ends = [];
  for (const bar of bars) {
    let row = ends.findIndex(end => end <= bar.since);
    if (row < 0) row = ends.length < MOST_ROWS ? ends.push(0) - 1 : MOST_ROWS - 1;
    ends[row] = Math.max(bar.until, bar.since + 1);
    bar.place = row;
  }
  return ends.length;
}

export function plan(story, width) {
  const gap = story.messages.length > ROOMY ? 62 : 78, lanes = [];
  let y = AXIS;
  story.lanes.forEach((lane, index) => {
    const waits = story.waits.filter(wait => wait.lane === index && wait.row !== "filling");
    const fills = story.waits.filter(wait => wait.lane === index && wait.row === "filling");
    const hasMarks = story.marks.some(mark => mark.lane === index);
    const markRows = hasMarks ? 1 : 0, fillRows = packed(fills);
    const rows = Math.max(1, markRows + fillRows + packed(waits));
    const height = rows * ROW + 2 * PAD;
    lanes.push({ name: lane.name, role: lane.role, top: y, bottom: y + height,
      marks: y + PAD, fills: y + PAD + markRows * ROW,
      waits: y + PAD + (markRows + fillRows) * ROW });
    y += height + gap;
  });
  return { width, lanes, gap, height: Math.max(AXIS, y - gap) + 6 };
}

const xOf = (common, view, time) =>
  LEFT + (time - view.from) / Math.max(1, view.to - view.from) * (common.width - LEFT - RIGHT);

// Where an arrow begins and ends: at the edges of its lanes that face each other.
function ends(common, message) {
  const source = common.lanes[message.source], target = common.lanes[message.target];
  return source.top < target.top ? [source.bottom, target.top] : [source.top, target.bottom];
}

// ---- causes and effects ------------------------------------------------------------------------

// Every event that led to these, and every event that followed from them.
export function related(causes, events) {
  const before = new Set(), after = new Set(events);
  for (let event of events)
    for (; event >= 0 && !before.has(event); event = causes[event]) before.add(event);
  const last = Math.max(...events);
  for (let event = last + 1; event < causes.length; event++)
    if (after.has(causes[event])) after.add(event);
  events.forEach(event => { before.delete(event); after.delete(event); });
  return { before, after };
}

const touches = (thing, events) => thing.events.some(event => events.has(event));

// The same for a message; its causes are also the question that it answers, and what the moment
// did that made it: the append beside it, the wait that ended with it.
export function linked(story, message) {
  const found = related(story.causes, message.events), sent = message.events[0];
  for (const thing of [...story.marks, ...story.waits]) {
    const last = thing.events.at(-1);
    if (last < sent && thing.events.length < 3 && story.causes[last] === story.causes[sent] && story.causes[sent] >= 0)
      found.before.add(last);
  }
  const question = story.messages.find(other => other.exchange === message.exchange && other !== message);
  if (question && message.is_answer) question.events.forEach(event => found.before.add(event));
  return found;
}

// ---- the picture -------------------------------------------------------------------------------

function timeText(us) {
  return us >= 1e6 ? `${+(us / 1e6).toFixed(3)} s` : us >= 1000 ? `${+(us / 1000).toFixed(3)} ms` : `${us} µs`;
}

function ticks(view, count) {
  const span = view.to - view.from, rough = Math.max(1, span / count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(n => n * power).find(n => n >= rough);
  const found = [];
  for (let t = Math.ceil(view.from / step) * step; t <= view.to; t += step) found.push(t);
  return found;
}

// Where an arrow is at a height.
const xAt = ({ x0, y0, x1, y1 }, y) => x0 + (x1 - x0) * (y - y0) / (y1 - y0 || 1);

// Whether another arrow runs through a box.
function crosses(arrows, own, [x, y, w, h]) {
  return arrows.some(other => {
    const low = Math.min(other.y0, other.y1), high = Math.max(other.y0, other.y1);
    if (other === own || y + h < low || y > high) return false;
    const xs = [Math.max(y, low), Math.min(y + h, high)].map(at => xAt(other, at));
    return Math.max(...xs) > x - 2 && Math.min(...xs) < x + w + 2;
  });
}

export function draw(story, common, view) {
  const picture = new Picture(common.width);
  new Diagram(story, common, view, picture).draw();
  picture.height = common.height;
  return picture;
}

class Diagram {
  constructor(story, common, view, picture) {
    this.story = story; this.common = common; this.view = view; this.picture = picture;
    this.taken = []; // boxes of labels
    const chosen = view.selected >= 0 ? story.messages[view.selected] : null;
    this.chosen = chosen;
    this.links = chosen ? linked(story, chosen) : null;
  }

  x(time) { return xOf(this.common, this.view, time); }

  isSeen(since, until) { return since <= this.view.to && until >= this.view.from; }

  // "chosen", "before", "after", or nothing.
  part(thing) {
    if (!this.links) return "";
    if (thing === this.chosen) return "chosen";
    if (touches(thing, this.links.before)) return "before";
    return touches(thing, this.links.after) ? "after" : "";
  }

  draw() {
    this.axis();
    this.lanes();
    const arrows = this.arrows();
    this.waits();
    this.marks();
    this.labels(arrows);
    this.numbers(arrows);
    this.now();
  }

  axis() {
    const { common, picture } = this, bottom = common.height - 6;
    for (const time of ticks(this.view, Math.max(3, (common.width - LEFT) / 110))) {
      const x = this.x(time), words = timeText(time), half = textWidth(words, 11) / 2;
      picture.line(x, AXIS - 6, x, bottom, { stroke: "line" });
      picture.text(Math.min(x, common.width - half), 11, words, "ink-3", 11, { text_anchor: "middle" });
    }
  }

  lanes() {
    for (const lane of this.common.lanes) {
      this.picture.rect(LEFT - 6, lane.top, this.common.width - LEFT + 5, lane.bottom - lane.top,
        { rx: 3, fill: "raised", stroke: "edge" });
      const y = (lane.top + lane.bottom) / 2;
      const n = lane.name; // of long names the end tells more than the middle
      const name = fitting([n, `${n.slice(0, 4)}…${n.slice(-6)}`, `…${n.slice(-6)}`], LEFT - 10, 12, true);
      this.picture.text(0, y, name || n.slice(-8), "ink", 12, { bold: 1 });
      if (!lane.name.startsWith(lane.role)) this.picture.text(0, y + 14, lane.role, "ink-2", 11);
    }
  }

  // Lines of all messages that have been sent; returns where each stands, for the labels.
  arrows() {
    const { story, view, common, picture } = this, drawn = [];
    story.messages.forEach((message, index) => {
      const isOver = message.arrived >= 0, until = isOver ? message.arrived : message.sent + common.usual;
      if (message.sent > view.time || !this.isSeen(message.sent, until)) return;
      const [y0, y1] = ends(common, message);
      const x0 = this.x(message.sent), x1 = this.x(until);
      const most = isOver ? 1 : message.arrived === LOST ? 0.62 : 0.9;
      const p = Math.min(most, (view.time - message.sent) / Math.max(1, until - message.sent));
      const xp = x0 + (x1 - x0) * p, yp = y0 + (y1 - y0) * p, part = this.part(message);
      const width = part === "chosen" ? 2.6 : part ? 2.2 : this.links ? 0.9 : 1.4;
      const line = { stroke: message.idea, stroke_width: width };
      if (part === "after") line.stroke_dasharray = "5 3";
      if (part === "chosen" || part === "before")
        picture.line(x0, y0, xp, yp, { stroke: "cell", stroke_width: 9, stroke_linecap: "round" });
      picture.line(x0, y0, xp, yp, line);
      if (message.is_answer) picture.circle(x0, y0, 2.6, { fill: "surface", stroke: message.idea, stroke_width: 1.3 });
      if (message.arrived === LOST && p >= most) {
        picture.line(xp, yp, x1, y1, { stroke: "edge", stroke_dasharray: "1.5 3" });
        picture.path(["M", xp - 5, yp - 5, "L", xp + 5, yp + 5, "M", xp + 5, yp - 5, "L", xp - 5, yp + 5],
          { stroke: "lost", stroke_width: 2.4 });
        picture.anchor("lost", xp + 14, yp);
        this.taken.push([xp - 8, yp - 8, 16, 16]);
      } else if (p > 0) arrowHead(picture, x0, y0, xp, yp, message.idea, part ? 7 : 5.5);
      drawn.push({ message, index, x0, y0, x1: isOver ? x1 : xp, y1: isOver ? y1 : yp, part });
    });
    return drawn;
  }

  waits() {
    const { story, view, common, picture } = this;
    for (const wait of story.waits) {
      if (wait.since > view.time || !this.isSeen(wait.since, wait.until)) continue;
      const lane = common.lanes[wait.lane], isFill = wait.row === "filling", part = this.part(wait);
      const x0 = Math.max(LEFT - 4, this.x(wait.since));
      const x1 = Math.min(common.width - 3, this.x(Math.min(wait.until, view.time)));
      const y = (isFill ? lane.fills : lane.waits) + wait.place * ROW + 2, w = Math.max(2, x1 - x0);
      const isParked = wait.row === "waiting", strong = part === "before" || part === "after";
      const room = w - (isParked ? 20 : 10);
      const words = fitting([wait.title, wait.title.split(":")[0], wait.title.split(" ")[0]], room, 11);
      if (isParked) parked(picture, x0, y, w, ROW - 5, words, strong ? 2 : 1.1);
      else {
        picture.rect(x0, y, w, ROW - 5, { rx: 2, fill: "surface", stroke: wait.idea, stroke_width: strong ? 2 : 1.1 });
        picture.text(x0 + 5, y + 12.5, words, "ink", 11);
      }
      if (isParked) picture.anchor("parked", x0 + w / 2, y - 9);
    }
  }

  marks() {
    const { story, view, common } = this, free = common.lanes.map(() => -Infinity);
    const seen = story.marks.filter(mark => mark.at <= view.time && this.isSeen(mark.at, mark.at));
    seen.forEach((mark, i) => {
      const next = seen.slice(i + 1).find(other => other.lane === mark.lane && other.at > mark.at);
      const lane = common.lanes[mark.lane], x = this.x(mark.at), at = Math.max(x, free[mark.lane]);
      const limit = next ? this.x(next.at) - 4 : common.width;
      const part = this.part(mark), bold = part ? { bold: 1 } : {};
      const room = limit - at - 12, drift = at - x; // what has no room beside the others is left out:
      const words = drift < 150 ? fitting([mark.title], room, 11, Boolean(part)) : ""; // zoom shows it
      if (!words && drift > 24) return;
      const ground = at;
      this.glyph(mark, ground, lane.marks);
      const colour = mark.idea === "write" ? "ink" : `${mark.idea}-text`;
      this.picture.text(ground + 10, lane.marks + 14, words, colour, 11, bold);
      free[mark.lane] = ground + (words ? textWidth(words, 11, true) + 18 : 9);
      this.picture.anchor(mark.kind, ground + 4, lane.marks - 6);
    });
  }

  glyph(mark, x, y) {
    const paint = this.picture;
    if (mark.kind === "append") paint.rect(x, y + 7, 7, 7, { fill: "ink" });
    else if (mark.kind === "high_watermark") {
      paint.path(["M", x, y + 4, "H", x + 8, "L", x + 5, y + 7, "L", x + 8, y + 10, "H", x, "Z"], { fill: "commit" });
      paint.line(x, y + 4, x, y + 16, { stroke: "commit", stroke_width: 2 });
    } else if (mark.kind === "position") paint.path(["M", x + 4, y + 5, "L", x + 8, y + 13, "H", x, "Z"], { fill: "read" });
    else if (mark.idea === "lost") paint.path(["M", x, y + 6, "L", x + 7, y + 13, "M", x + 7, y + 6, "L", x, y + 13],
      { stroke: "lost", stroke_width: 2.2 });
    else paint.path(["M", x + 4, y + 5, "L", x + 8, y + 9.5, "L", x + 4, y + 14, "L", x, y + 9.5, "Z"], { fill: mark.idea });
  }

  // Words beside the arrows, where they hit neither each other nor a lane.
  labels(arrows) {
    const isRoomy = arrows.length <= ROOMY;
    const wanted = arrows.filter(arrow => arrow.part).concat(arrows.filter(arrow => !arrow.part));
    for (const arrow of wanted.slice(0, MOST_LABELS)) {
      const { message, y0, y1, part } = arrow, bold = true;
      const wordings = [[message.title, message.more], [message.title, ""]];
      search: for (const [title, more] of wordings) {
        const wide = Math.max(textWidth(title, 12, bold), textWidth(more, 11)), high = more ? 28 : 15;
        const gaps = this.gaps(Math.min(y0, y1), Math.max(y0, y1));
        for (const [top, bottom] of gaps)
          for (const p of ALONG)
            for (const side of message.is_answer ? [1, -1] : [-1, 1]) {
              const y = top + (bottom - top) * p, xs = [y - high / 2, y + high / 2].map(h => xAt(arrow, h));
              const at = side < 0 ? Math.min(...xs) - 6 : Math.max(...xs) + 6;
              const box = [side < 0 ? at - wide : at, y - high / 2, wide, high];
              if (!this.isFree(box, top, bottom) || (isRoomy && crosses(arrows, arrow, box))) continue;
              this.taken.push(box);
              const anchor = side < 0 ? { text_anchor: "end" } : {};
              this.picture.text(at, box[1] + 11, title, `${message.idea}-text`, 12, { bold: 1, halo: "surface", ...anchor });
              this.picture.text(at, box[1] + 24, more, "ink-2", 11, { halo: "surface", ...anchor });
              break search;
            }
        if (part) continue;
        if (arrows.length > ROOMY) break;
      }
    }
  }

  // The free stretches between two heights, from lane to lane.
  gaps(y0, y1) {
    const lanes = this.common.lanes, found = [];
    for (let i = 0; i + 1 < lanes.length; i++)
      if (lanes[i].bottom >= y0 - 1 && lanes[i + 1].top <= y1 + 1) found.push([lanes[i].bottom, lanes[i + 1].top]);
    return found;
  }

  isFree([x, y, w, h], top, bottom) {
    if (x < LEFT - 4 || x + w > this.common.width - 2 || y < top + 2 || y + h > bottom - 2) return false;
    return !this.taken.some(([ox, oy, ow, oh]) => x < ox + ow + 5 && ox < x + w + 5 && y < oy + oh + 1 && oy < y + h + 1);
  }

  // Causes of the selection, numbered in time, as the list beside the picture has them.
  numbers(arrows) {
    if (!this.links) return;
    const places = new Map(arrows.map(arrow => [arrow.message,
      [arrow.x0 + (arrow.x1 - arrow.x0) * 0.14, arrow.y0 + (arrow.y1 - arrow.y0) * 0.14]]));
    story_steps(this.story, this.view.selected).forEach((step, i) => {
      const place = places.get(step.thing);
      if (place) callOut(this.picture, `${i + 1}`, ...place);
    });
  }

  now() {
    const { view, common } = this, x = this.x(view.time);
    if (view.time >= this.story.end || x < LEFT || x > common.width) return;
    this.picture.line(x, AXIS - 8, x, common.height - 6, { stroke: "ink", stroke_width: 1.2 });
    this.picture.path(["M", x - 4, AXIS - 12, "H", x + 4, "L", x, AXIS - 6, "Z"], { fill: "ink" });
  }
}

// What led to a message and what came of it, in time: at most six before it, itself, three after.
export function story_steps(story, selected) {
  const chosen = story.messages[selected];
  if (!chosen) return [];
  const { before, after } = linked(story, chosen);
  const when = thing => thing.sent ?? thing.since ?? thing.at;
  const things = [...story.messages, ...story.marks, ...story.waits.filter(w => w.row === "waiting")];
  const among = (events, part) => things.filter(thing => thing !== chosen && touches(thing, events))
    .map(thing => ({ thing, part, when: when(thing) })).sort((a, b) => a.when - b.when);
  return [...among(before, "before").slice(-6), { thing: chosen, part: "chosen", when: chosen.sent },
    ...among(after, "after").slice(0, 3)];
}

export function describe(story, time) {
  const sent = story.messages.filter(message => message.sent <= time);
  const lost = sent.filter(message => message.arrived === LOST).length;
  const waiting = story.waits.filter(w => w.row === "waiting" && w.since <= time && w.until > time).length;
  const words = [plural(sent.length, "message"), ...(lost ? [`${lost} lost`] : []),
    ...(waiting ? [`${plural(waiting, "request")} waiting`] : [])];
  return `${timeText(time)}: ${words.join(", ")} between ${story.lanes.map(lane => lane.name).join(", ") || "nobody"}.`;
}

// How long messages usually take: what a lost one is drawn with.
function usual(story) {
  const taken = story.messages.filter(m => m.arrived >= 0).map(m => m.arrived - m.sent).sort((a, b) => a - b);
  return taken[taken.length >> 1] ?? Math.max(1, story.end / 20);
}

// Of a story with many messages a stretch is shown that holds about as many as have room.
function stretch(story) {
  const whole = Math.max(1, story.end), count = story.messages.length;
  return count > MANY ? Math.max(20, whole * ROOMY / count) : whole;
}

// The stretch that ends a little after an instant.
function around(story, span, time) {
  const from = Math.max(0, Math.min(Math.max(1, story.end) - span, time - span * 0.8));
  return { from, to: from + span };
}

// An instant as it is drawn without a browser.
export function still({ story, time = story.end, width, selected = -1 }) {
  const common = { ...plan(story, width), usual: usual(story) };
  const view = { time, ...around(story, stretch(story), time), selected };
  const { height, shapes, anchors } = draw(story, common, view);
  return { width, height, shapes, anchors, label: describe(story, time) };
}

// ---- the widget --------------------------------------------------------------------------------

function instants(story) {
  const found = new Set([0]);
  for (const message of story.messages) {
    found.add(message.sent);
    if (message.arrived >= 0) found.add(message.arrived);
  }
  for (const mark of story.marks) found.add(mark.at);
  for (const wait of story.waits) { found.add(wait.since); found.add(wait.until); }
  found.add(story.end);
  return [...found].filter(time => time <= story.end).sort((a, b) => a - b);
}

class SpaceTime extends Player {
  constructor(model, root) {
    const story = model.get("story");
    super(model, instants(story));
    this.story = story;
    this.usual = usual(story);
    this.span = stretch(story);
    this.pointedAt = -1;
    this.build(root);
    this.onChosen = () => this.redraw();
    model.on("change:selected", this.onChosen);
    this.begin();
  }

  remove() { super.remove(); this.model.off("change:selected", this.onChosen); }

  get selected() { return this.pointedAt >= 0 ? this.pointedAt : this.model.get("selected"); }

  build(root) {
    this.buildPicture();
    this.side = element("aside", { class: "mk-side" });
    this.nowText = element("span");
    this.now = element("p", { class: "mk-now", "aria-live": "polite" }, this.nowText);
    this.detail = element("div", { class: "mk-detail", hidden: "" });
    this.root = chrome(this.model, "mk-space-time", this.buildKeys(),
      element("div", { class: "mk-body" }, this.figure, this.side), this.now, this.detail, this.buildBar());
    this.root.addEventListener("keydown", event => this.onKey(event));
    this.svg.addEventListener("pointermove", event => this.point(this.near(event)));
    this.svg.addEventListener("pointerleave", () => this.point(-1));
    this.svg.addEventListener("click", event => this.choose(this.near(event)));
    root.append(this.root);
  }

  buildKeys() {
    return [kbd("space"), " plays, ", kbd("← →"), " step, ", kbd("↑ ↓"), " walk the messages, ", kbd("Enter"),
      " decodes, ", kbd("+ − 0"), " zoom · point at a message: bold led to it, dashed follows from it"];
  }

  keys() {
    return {
      ArrowDown: () => this.walk(1), ArrowUp: () => this.walk(-1),
      Enter: () => this.showDetail(this.detail.hidden), Escape: () => this.choose(-1),
      "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2),
      0: () => { this.span = Math.max(1, this.story.end); this.redraw(); },
    };
  }

  walk(by) {
    const count = this.story.messages.length, now = this.model.get("selected");
    if (!count) return;
    this.choose(now < 0 ? (by > 0 ? 0 : count - 1) : Math.max(0, Math.min(count - 1, now + by)));
    const message = this.story.messages[this.model.get("selected")];
    const { from, to } = this.view();
    if (message.sent < from || message.sent > Math.min(to, this.time))
      this.go(this.times.findIndex(time => time >= Math.max(message.sent, message.arrived)));
  }

  // The stretch that is shown follows the playhead.
  zoom(factor) {
    this.span = Math.max(20, Math.min(Math.max(1, this.story.end), this.span * factor));
    this.redraw();
  }

  choose(index) {
    this.pointedAt = -1;
    this.model.set("selected", index);
    this.model.save_changes();
    this.showDetail(index >= 0 && !this.detail.hidden);
    this.redraw();
  }

  point(index) {
    if (index === this.pointedAt) return;
    this.pointedAt = index;
    this.svg.style.cursor = index >= 0 ? "pointer" : "";
    this.redraw();
  }

  // The message whose line is nearest to the pointer, within 12 px; -1 if none is.
  near(event) {
    const box = this.svg.getBoundingClientRect(), view = this.view();
    const px = (event.clientX - box.left) / this.size, py = (event.clientY - box.top) / this.size;
    let best = -1, least = 12;
    this.story.messages.forEach((message, index) => {
      if (message.sent > view.time) return;
      const [y0, y1] = ends(this.layout, message), p = (py - y0) / (y1 - y0 || 1);
      if (p < -0.05 || p > 1.05) return;
      const until = message.arrived >= 0 ? message.arrived : message.sent + this.usual;
      const x0 = xOf(this.layout, view, message.sent), x1 = xOf(this.layout, view, until);
      const away = Math.abs(px - (x0 + (x1 - x0) * p));
      if (away < least) { least = away; best = index; }
    });
    return best;
  }

  layOut(width) { return { ...plan(this.story, width), usual: this.usual }; }
  isMoving() { return false; }
  view() { return { time: this.time, ...around(this.story, this.span, this.time), selected: this.selected }; }

  paint() {
    const view = this.view(), picture = draw(this.story, this.layout, view);
    this.show(picture);
    this.clock.textContent = timeText(Math.round(view.time));
    this.root.dataset.moment = this.moment;
    this.root.dataset.selected = view.selected;
    const words = describe(this.story, view.time);
    this.svg.setAttribute("aria-label", words);
    this.range.setAttribute("aria-valuetext", words);
    this.nowText.textContent = words;
    this.showSide(view.selected);
  }

  events() {
    return this.story.messages.map(message =>
      [this.places[this.times.indexOf(message.sent)], message.arrived === LOST ? "lost" : message.idea]);
  }

  showSide(selected) {
    const key = `${selected} ${this.layout.width}`;
    if (this.sideShown === key) return;
    this.sideShown = key;
    const parts = [];
    const list = (title, steps, first) => {
      if (!steps.length) return;
      const items = steps.map((step, i) => element("li", { class: "mk-here" },
        element("span", { class: "mk-disc" }, `${first + i}`),
        element("span", {}, element("b", {}, this.nameOf(step.thing)), ` ${this.placeOf(step.thing)}`)));
      parts.push(element("div", {}, element("h3", {}, title), element("ol", { class: "mk-look" }, ...items)));
    };
    const steps = story_steps(this.story, selected);
    const own = steps.findIndex(step => step.part === "chosen");
    if (steps.length) {
      list("Why did this happen?", steps.slice(0, own + 1), 1);
      list("What followed?", steps.slice(own + 1), own + 2);
    } else {
      const looks = this.model.get("look_for");
      if (looks.length) parts.push(lookList(looks));
    }
    parts.push(this.numbersOf());
    this.side.replaceChildren(...parts);
    if (!this.detail.hidden) this.showDetail(true);
  }

  nameOf(thing) { return thing.more ? `${thing.title},` : thing.title; }

  placeOf(thing) {
    const names = this.story.lanes.map(lane => lane.name);
    if (thing.sent !== undefined) {
      const end = thing.arrived === LOST ? `to ${names[thing.target]}, lost on its way` : `to ${names[thing.target]}`;
      return `${thing.more} from ${names[thing.source]} ${end} at ${timeText(thing.sent)}.`.replace("  ", " ");
    }
    return `on ${names[thing.lane]} at ${timeText(thing.since ?? thing.at)}.`;
  }

  numbersOf() {
    const { messages, end } = this.story, lost = messages.filter(m => m.arrived === LOST).length;
    const bytes = messages.reduce((sum, m) => sum + m.size_bytes, 0);
    const [size, unit] = sizeText(bytes).split(" ");
    const row = element("div", { class: "mk-numbers" }, numeral(`${messages.length}`, "", "messages"),
      numeral(size, unit, "on the wire"), ...(lost ? [numeral(`${lost}`, "", "lost")] : []));
    return element("div", {}, element("h3", {}, `In ${timeText(end)}`), row);
  }

  // The selected message, decoded.
  showDetail(open) {
    const message = this.story.messages[this.selected];
    this.detail.hidden = !(open && message);
    if (this.detail.hidden) return;
    const body = message.body, head = `${body.message} v${body.version} · #${body.correlation_id} · about ${message.size_bytes} B`;
    const lines = [];
    const walk = (name, value, depth) => {
      const pad = "  ".repeat(depth);
      if (Array.isArray(value)) {
        lines.push([`${pad}${name}`, value.length ? `${value.length}` : "empty"]);
        value.forEach((each, i) => walk(`[${i}]`, each, depth + 1));
      } else if (value && typeof value === "object") {
        lines.push([`${pad}${name}`, ""]);
        for (const key in value) walk(key, value[key], depth + 1);
      } else lines.push([`${pad}${name}`, value === null ? "null" : `${value}`]);
    };
    for (const key in body.body) walk(key, body.body[key], 0);
    const rows = lines.slice(0, 200).map(([name, value]) =>
      element("div", {}, element("span", {}, name), element("b", {}, value)));
    this.detail.replaceChildren(element("h3", {}, head), element("div", { class: "mk-fields" }, ...rows));
  }
}

function render({ model, el }) {
  const widget = new SpaceTime(model, el);
  return () => widget.remove();
}

export default { render };
