// The segment browser: what the reader asks for, the steps as a playhead's moments, what is clicked.
//
//     Find an offset | Find a timestamp | Recover    [ 105 ] ──○──     a question is answered at once:
//     segment_browser.search.js   the steps                           there is no kernel to ask
//     segment_browser.sheet.js    the picture of a step
//
// `still` is the picture without a browser; the parts stand in front of this file.

const LETTERS = "ABCDE"; // of what to look for: numbers are the steps

// The keys that are shown as shapes: the first four that come.
function keysOf(directory) {
  const found = [];
  for (const s of directory.segments) for (const batch of s.batches) for (const [, , key] of batch.records ?? []) {
    if (key !== null && !found.includes(key)) found.push(key);
    if (found.length > 4) return [];
  }
  return found;
}

function question(by, value) {
  if (by === "recovery") return "What does a start after a crash do?";
  return by === "offset" ? `Where is offset ${value}?` : `Where is the first record of ${timeWords(value)}?`;
}

function describe(directory, view) {
  const step = view.steps[view.moment - 1];
  const where = step ? ` Step ${view.moment} of ${view.steps.length}: ${step.words}.` : "";
  return `${directory.name}: ${question(view.by, view.value)}${where}`;
}

// A moment as it is drawn without a browser: at the end of the search unless said otherwise.
export function still({ story, by, value, moment = -1, width, numbered = [] }) {
  const directory = opened(story), answer = ask(directory, by, value);
  const last = answer.steps.length, at = moment < 0 ? last : Math.min(moment, last);
  const view = { by, value, ...answer, keys: keysOf(directory), moment: at };
  const picture = new Sheet(directory, view, width).draw(), { height, shapes, anchors } = picture;
  callOuts(picture, numbered, LETTERS);
  return { width, height, shapes, anchors, label: describe(directory, view) };
}

// ---- the widget --------------------------------------------------------------------------------------

// The 61 bytes of a batch header, as they stand in the file.
function headerHex(batch) {
  const view = new DataView(new ArrayBuffer(HEADER_BYTES));
  view.setBigInt64(0, BigInt(batch.base_offset));
  view.setInt32(8, batch.batch_length);
  view.setInt32(12, batch.partition_leader_epoch);
  view.setInt8(16, 2);
  view.setUint32(17, batch.crc);
  view.setInt16(21, batch.attributes);
  view.setInt32(23, batch.last_offset_delta);
  view.setBigInt64(27, BigInt(batch.base_timestamp));
  view.setBigInt64(35, BigInt(batch.max_timestamp));
  view.setBigInt64(43, BigInt(batch.producer_id));
  view.setInt16(51, batch.producer_epoch);
  view.setInt32(53, batch.base_sequence);
  view.setInt32(57, batch.record_count);
  return Array.from(new Uint8Array(view.buffer), byte => hexPlace(byte, 2));
}

const HEADER_FIELDS = [["base_offset", 8], ["batch_length", 4], ["partition_leader_epoch", 4], ["magic", 1], ["crc", 4],
  ["attributes", 2], ["last_offset_delta", 4], ["base_timestamp", 8], ["max_timestamp", 8], ["producer_id", 8],
  ["producer_epoch", 2], ["base_sequence", 4], ["record_count", 4]];

const instantsOf = answer => Array.from({ length: answer.steps.length + 1 }, (_, i) => i * 1e6);

class SegmentBrowser extends Player {
  constructor(model, root) {
    const directory = opened(model.get("story"));
    const answer = ask(directory, model.get("by"), model.get("value"));
    super(model, instantsOf(answer));
    this.directory = directory;
    this.keysShown = keysOf(directory);
    this.answer = answer;
    this.chosen = null;
    this.build(root);
    this.begin();
    this.onAsked = () => this.renew();
    for (const name of ["by", "value"]) model.on(`change:${name}`, this.onAsked);
    this.showAsked();
  }

  remove() {
    super.remove();
    for (const name of ["by", "value"]) this.model.off(`change:${name}`, this.onAsked);
  }

  // -- building ---------------------------------------------------------------------------------------

  build(root) {
    this.buildPicture();
    this.nowText = element("span");
    this.nowCount = element("small");
    this.now = element("p", { class: "mk-now", "aria-live": "polite" }, this.nowText, this.nowCount);
    this.detail = element("div", { class: "mk-detail", tabindex: "0", role: "group", hidden: "",
      "aria-label": "The batch that is chosen" });
    this.root = chrome(this.model, "mk-segments", this.buildKeys(), this.buildAsk(),
      element("div", { class: "mk-body" }, this.figure, this.buildSide()), this.now, this.detail, this.buildBar());
    this.range.setAttribute("aria-label", "Step of the search");
    this.root.addEventListener("keydown", event => { if (!event.target.closest(".mk-ask input")) this.onKey(event); });
    this.svg.addEventListener("click", event => this.choose(this.placeAt(event)));
    this.svg.addEventListener("pointermove", event => { this.svg.style.cursor = this.placeAt(event) ? "pointer" : ""; });
    root.append(this.root);
  }

  buildAsk() {
    const names = { offset: "Find an offset", timestamp: "Find a timestamp", recovery: "Recover" };
    this.buttons = Object.entries(names).map(([by, words]) =>
      button(words, () => this.ask(by, this.usual(by)), { "data-by": by }));
    this.number = element("input", { type: "number", step: 1 });
    this.slider = element("input", { type: "range", step: 1 });
    for (const input of [this.number, this.slider])
      input.addEventListener("input", () => {
        if (input.value !== "" && Number.isSafeInteger(+input.value)) this.ask(this.model.get("by"), +input.value);
      });
    this.hint = element("output", { class: "mk-hint" });
    const by = element("div", { class: "mk-by", role: "group", "aria-label": "What to look for" }, ...this.buttons);
    return element("div", { class: "mk-ask" }, by, this.number, this.slider, this.hint);
  }

  buildSide() {
    const side = element("aside", { class: "mk-side" });
    const looks = this.model.get("look_for").map(([, first, rest]) => [first, rest]);
    if (looks.length) side.append(lookList(looks, false));
    this.looks = [...side.querySelectorAll("li")];
    this.looks.forEach((item, i) => { item.querySelector(".mk-disc").textContent = LETTERS[i]; });
    this.numbers = element("div", { class: "mk-numbers" });
    side.append(element("div", {}, element("h3", {}, "Legend"), this.buildLegend(), this.numbers));
    return side;
  }

  buildLegend() {
    const list = element("div", { class: "mk-legend" });
    const add = (words, paintIt) => list.append(glyph(30, 18, paintIt), element("span", {}, words));
    add("a step of the search, and what was compared", p => {
      p.line(1, 9, 29, 9, { stroke: "edge" });
      callOut(p, "1", 15, 9);
    });
    add("file; the open one has no right edge", p =>
      folder(p, { x0: 2, x1: 28, top: 2, y0: 7, y1: 17, tab: 13, isOpen: true }));
    add("index entry, and the batch it points to", p => {
      p.rect(3, 1, 24, 8, { rx: 1.5, fill: "surface", stroke: "edge" });
      p.line(15, 9, 15, 15, { stroke: "edge" });
      p.circle(15, 15.5, 2, { fill: "ink-2" });
    });
    add("read: a header of 61 bytes, or what was found", p =>
      p.rect(3, 2, 12, 14, { rx: 1.5, fill: "read-soft", stroke: "read", stroke_width: 1.6 }));
    if (this.directory.segments.some(s => s.damage || s.index.some(entry => entry.lie)))
      add("damaged, and why in words", p => {
        p.rect(2, 2, 26, 14, { rx: 2, fill: "surface", stroke: "lost", stroke_dasharray: "3 2.5" });
        cross(p, 15, 9, 4);
      });
    return list;
  }

  buildKeys() {
    return [kbd("space"), " plays, ", kbd("← →"), " step, ", kbd("Home End"), " · click a file or a batch, ",
      kbd("↑ ↓"), " walk the batches, ", kbd("Enter"), " its header, ", kbd("Esc"), " back to the search"];
  }

  // -- asking -------------------------------------------------------------------------------------------

  limits(by) {
    const { segments, log_start, log_end } = this.directory;
    if (by !== "timestamp") return [log_start, log_end];
    const times = segments.flatMap(s => [s.batches[0]?.base_timestamp ?? -1, s.largest]).filter(time => time >= 0);
    return times.length ? [Math.min(...times), Math.max(...times) + 1] : [0, 0];
  }

  // What is asked first for: the middle of what there is.
  usual(by) { const [low, high] = this.limits(by); return Math.floor((low + high) / 2); }

  ask(by, value) {
    this.model.set("by", by);
    this.model.set("value", value);
    this.renew();
    this.tell();
  }

  renew() {
    const by = this.model.get("by"), value = this.model.get("value"), key = `${by} ${value}`;
    if (this.asked === key) return;
    this.asked = key;
    this.answer = ask(this.directory, by, value);
    this.times = instantsOf(this.answer);
    this.places = timeline(this.times);
    this.last = this.times.length - 1;
    this.end = this.places.at(-1);
    this.range.max = Math.max(1, Math.round(this.end));
    this.pause();
    this.seek(this.end);
    this.showAsked();
    if (this.layout) this.drawTicks();
  }

  showAsked() {
    const by = this.model.get("by"), value = this.model.get("value"), isTime = by === "timestamp";
    this.asked = `${by} ${value}`;
    for (const button of this.buttons) button.setAttribute("aria-pressed", `${button.dataset.by === by}`);
    const [low, high] = this.limits(by), name = isTime ? "Timestamp in ms" : "Offset";
    for (const input of [this.number, this.slider]) {
      input.hidden = by === "recovery";
      input.setAttribute("aria-label", input === this.slider ? `${name}, by sliding` : name);
      if (input === this.slider) { input.min = low; input.max = high; }
      if (+input.value !== value || input.value === "") input.value = value;
    }
    this.slider.style.setProperty("--mk-part", `${100 * (value - low) / (high - low || 1)}%`);
    this.slider.setAttribute("aria-valuetext", isTime ? timeWords(value) : `${value}`);
    const hints = { offset: `of ${low} to ${high}`, timestamp: timeWords(value), recovery: "what a start after a crash does" };
    this.hint.textContent = hints[by];
  }

  // -- choosing -----------------------------------------------------------------------------------------

  seek(place, jump) { this.chosen = null; super.seek(place, jump); }
  play() { this.chosen = null; super.play(); }

  keys() {
    return {
      ArrowDown: () => this.walk(1), ArrowUp: () => this.walk(-1),
      ...(this.chosen ? { Enter: () => this.showDetail(this.detail.hidden), Escape: () => this.choose(null) } : {}),
    };
  }

  // What stands under the pointer: a file, or a batch in it.
  placeAt(event) {
    const [x, y] = pointIn(this.svg, this.size, event);
    const isIn = ([x0, y0, w, h]) => x >= x0 && x <= x0 + w && y >= y0 && y <= y0 + h;
    const hit = (this.picturePlaces ?? []).findLast(isIn)?.[4];
    if (!hit?.bar) return hit ?? null;
    const s = this.directory.segments[hit.segment], at = x / this.layout.width * s.log_bytes;
    const batch = s.batches.findIndex(each => each.position <= at && at < each.position + each.size);
    return { segment: hit.segment, ...(batch >= 0 ? { batch } : {}) };
  }

  choose(chosen) {
    this.pause();
    this.chosen = chosen && { batch: 0, ...chosen };
    this.showDetail(Boolean(chosen) && chosen.batch !== undefined);
    this.redraw();
  }

  walk(by) {
    const { segments } = this.directory;
    if (!segments.length) return;
    const from = this.chosen ?? this.answer.found ?? { segment: Math.max(0, this.answer.segment), batch: by > 0 ? -1 : 1 };
    let { segment, batch } = from;
    batch += by;
    while (batch < 0 && segment > 0) batch = segments[--segment].batches.length - 1;
    while (batch >= segments[segment].batches.length && segment < segments.length - 1) { segment++; batch = 0; }
    this.choose({ segment, batch: Math.max(0, Math.min(segments[segment].batches.length - 1, batch)) });
  }

  // The header of the batch that is chosen: its fields, each with its bytes.
  showDetail(isOpen) {
    const s = this.directory.segments[this.chosen?.segment], batch = s?.batches[this.chosen.batch];
    this.detail.hidden = !(isOpen && batch);
    if (this.detail.hidden) return;
    const hex = headerHex(batch), rows = [];
    let at = 0;
    for (const [name, length] of HEADER_FIELDS) {
      rows.push(element("div", {}, element("span", {}, name), element("b", {}, this.fieldText(batch, name)),
        element("code", {}, hex.slice(at, at + length).join(" "))));
      at += length;
    }
    const head = `${fileName(s.base)}, byte ${thousands(batch.position)}: a header of 61 bytes`;
    this.detail.replaceChildren(element("h3", {}, head), element("div", { class: "mk-fields" }, ...rows));
  }

  fieldText(batch, name) {
    if (name === "magic") return "2";
    if (name === "crc") return `0x${batch.crc.toString(16).padStart(8, "0")}`;
    if (name === "attributes") return `${batch.attributes} ${batch.codec}`;
    return name.endsWith("timestamp") ? `${batch[name]} ${timeWords(batch[name], true)}` : `${batch[name]}`;
  }

  // -- drawing ------------------------------------------------------------------------------------------

  layOut(width) { return { width }; }
  isMoving() { return false; }

  events() {
    const ideas = { broken: "lost", lie: "lost", cut: "lost", found: "read" };
    return this.answer.steps.map((step, i) => [this.places[i + 1], ideas[step.kind] ?? "edge"]);
  }

  get view() {
    return { by: this.model.get("by"), value: this.model.get("value"), ...this.answer, moment: this.moment,
      keys: this.keysShown, chosen: this.chosen };
  }

  // Nothing glides: what has been drawn stays until the step, the question or the choice changes.
  paint() {
    const view = this.view, { width } = this.layout;
    const key = [this.asked, view.moment, JSON.stringify(view.chosen), width, this.size].join(" ");
    if (this.painted === key) {
      this.showPlace();
      return;
    }
    this.painted = key;
    const picture = new Sheet(this.directory, view, width).draw();
    this.picturePlaces = picture.places;
    const names = this.model.get("look_for").map(([name]) => name);
    callOuts(picture, names, LETTERS);
    names.forEach((name, i) => this.looks[i].classList.toggle("mk-here", name in picture.anchors));
    this.show(picture);
    this.showWords(view);
  }

  showWords(view) {
    if (!view.chosen) this.detail.hidden = true;
    const step = view.steps[view.moment - 1], count = `step ${view.moment} of ${view.steps.length}`;
    const words = view.chosen ? this.chosenText(view.chosen) : step?.words ?? question(view.by, view.value);
    this.root.dataset.moment = view.moment;
    this.root.dataset.found = view.outcome;
    this.root.dataset.chosen = view.chosen ? `${view.chosen.segment} ${view.chosen.batch}` : "";
    this.svg.setAttribute("aria-label", describe(this.directory, view));
    this.range.setAttribute("aria-valuetext", `${count}, ${words}`);
    this.clock.textContent = count;
    this.nowText.textContent = words;
    this.nowCount.textContent = view.chosen ? "Esc: back to the search" : "";
    const read = view.steps.slice(0, view.moment).reduce((sum, each) => sum + each.read, 0);
    const all = this.directory.segments.reduce((sum, each) => sum + each.log_bytes, 0);
    const [size, unit] = sizeText(read).split(" ");
    const [rest, restUnit] = sizeText(Math.max(0, all - read)).split(" ");
    this.numbers.replaceChildren(numeral(size, unit, "looked at"), numeral(rest, restUnit, "passed over"));
  }

  chosenText({ segment, batch: at }) {
    const s = this.directory.segments[segment], batch = s.batches[at];
    if (!batch) return `${fileName(s.base)}, no batch`;
    const bad = batch.bad ? `: ${batch.bad}` : "";
    return `${fileName(s.base)}, batch ${spanOf(batch)} at byte ${thousands(batch.position)}${bad}`;
  }
}

function render({ model, el }) {
  const browser = new SegmentBrowser(model, el);
  return () => browser.remove();
}

export default { render };
