// The wire explorer: a frame as bytes beside its fields, each pointing at the other.
//
//     0000  00 00 00 27 00 03 00 0c   ...'....      size                 39
//     0008  00 00 00 04 ff ff 00 …                  header
//           ──┬── ▲                                   request_api_key    3 (Metadata)
//             └── a piece of the tree, and its bytes  request_api_version 12
//
// A piece is chosen by its path from the root. `still` is the picture without a browser; drawing.js
// and player.js stand in front of this file.

const BYTES = 16, STILL_ROWS = 26, STILL_BYTES = 8;

const bytesOf = hex => hex.match(/../g) ?? [];
const letter = byte => { const c = parseInt(byte, 16); return c > 32 && c < 127 ? String.fromCharCode(c) : "·"; };
const isText = byte => { const c = parseInt(byte, 16); return c > 32 && c < 127; };
const place = offset => offset.toString(16).padStart(4, "0");

// The pieces in the order of their bytes, each with its path and depth; the root is left out.
export function rows(tree) {
  const found = [];
  const walk = (piece, path, depth) => {
    piece.pieces.forEach((each, i) => {
      const own = [...path, i];
      found.push({ piece: each, path: own, depth });
      walk(each, own, depth + 1);
    });
  };
  walk(tree, [], 0);
  return found;
}

// The names that a version has and the one before it lacks, by their path of names.
export function additions(tree, before) {
  const names = tree => {
    const found = new Map();
    const walk = (piece, name) => piece.pieces.forEach(each => {
      const own = `${name}/${each.name.replace(/\d+/g, "n")}`;
      if (!found.has(own)) found.set(own, each);
      walk(each, own);
    });
    walk(tree, "");
    return found;
  };
  if (!before) return new Set();
  const old = names(before);
  return new Set([...names(tree)].filter(([name]) => !old.has(name)).map(([, piece]) => piece.start + ":" + piece.name));
}

// ---- without a browser -------------------------------------------------------------------------

export function still({ frame, width, selected = [] }) {
  const picture = new Picture(width), bytes = bytesOf(frame.hex), all = rows(frame.tree);
  const chosen = all.find(row => row.path.join() === selected.join())?.piece;
  const line = 17, split = Math.min(330, width * 0.46), tall = Math.ceil(bytes.length / STILL_BYTES);
  picture.text(0, 12, frame.tree.name, "ink", 14, { bold: 1 });
  picture.text(width, 12, plural(bytes.length, "byte"), "ink-3", 11, { text_anchor: "end" });
  for (let row = 0; row < Math.min(tall, STILL_ROWS); row++) {
    const y = 38 + row * line, at = row * STILL_BYTES;
    picture.text(0, y, place(at), "ink-3", 11);
    bytes.slice(at, at + STILL_BYTES).forEach((byte, i) => {
      const x = 44 + i * 25, isIn = chosen && at + i >= chosen.start && at + i < chosen.end;
      if (isIn) picture.rect(x - 3, y - 11, 24, 14, { fill: "commit-soft" });
      picture.text(x, y, byte, byte === "00" ? "ink-3" : "ink", 11);
    });
    const letters = bytes.slice(at, at + STILL_BYTES).map(letter).join("");
    picture.text(44 + STILL_BYTES * 25 + 8, y, letters, "ink-2", 11);
  }
  if (tall > STILL_ROWS) picture.text(44, 38 + STILL_ROWS * line, `… ${bytes.length - STILL_ROWS * STILL_BYTES} bytes more`, "ink-3", 11);
  all.slice(0, STILL_ROWS).forEach(({ piece, depth }, i) => {
    const y = 38 + i * line, x = split + depth * 12;
    if (piece === chosen) picture.rect(split - 4, y - 12, width - split + 4, 16, { rx: 2, fill: "commit-soft", stroke: "commit" });
    picture.text(x, y, piece.name, piece.pieces.length ? "ink" : "ink-2", 11);
    const used = x + textWidth(piece.name, 11) + 10, at = Math.max(used, split + 190);
    let words = piece.value;
    while (words && textWidth(words, 11) > width - at) words = words.slice(0, -2) + (words.length > 2 ? "…" : "");
    picture.text(at, y, words, "ink", 11, { bold: 1 });
  });
  if (all.length > STILL_ROWS) picture.text(split, 38 + STILL_ROWS * line, `… ${all.length - STILL_ROWS} pieces more`, "ink-3", 11);
  picture.height = 38 + Math.min(STILL_ROWS + 0.3, Math.max(tall, all.length)) * line;
  const label = `${frame.tree.name}: ${plural(bytes.length, "byte")} in ${plural(all.length, "piece")}.`;
  return { width, height: picture.height, shapes: picture.shapes, anchors: {}, label };
}

// ---- the widget --------------------------------------------------------------------------------

class WireExplorer {
  constructor(model, root) {
    this.model = model;
    this.frames = model.get("frames");
    this.pointed = null;
    this.build(root);
    this.show();
    this.onModel = () => this.show();
    for (const name of ["version", "selected"]) model.on(`change:${name}`, this.onModel);
  }

  remove() { for (const name of ["version", "selected"]) this.model.off(`change:${name}`, this.onModel); }

  get frame() { return this.frames.find(frame => frame.version === this.model.get("version")) ?? this.frames[0]; }

  build(root) {
    this.hex = element("div", { class: "mk-hex", role: "group", tabindex: "0", "aria-label": "Bytes" });
    this.tree = element("div", { class: "mk-tree", role: "listbox", tabindex: "0", "aria-label": "Fields" });
    this.now = element("p", { class: "mk-now", "aria-live": "polite" });
    this.bar = element("div", { class: "mk-versions" });
    this.root = chrome(this.model, "mk-wire", this.buildKeys(),
      element("div", { class: "mk-two" }, this.hex, this.tree), this.now, this.bar);
    this.root.addEventListener("keydown", event => this.onKey(event));
    for (const part of [this.hex, this.tree]) {
      part.addEventListener("pointerover", event => this.point(this.rowAt(event.target)));
      part.addEventListener("pointerleave", () => this.point(null));
      part.addEventListener("click", event => this.choose(this.rowAt(event.target)));
    }
    root.append(this.root);
  }

  buildKeys() {
    return ["point at a byte or a field, click to hold it · ", kbd("↑ ↓"), " walk the fields, ", kbd("← →"),
      " change the version"];
  }

  // The innermost piece that an element stands for.
  rowAt(target) {
    const node = target.closest?.("[data-row], [data-byte]");
    if (!node) return null;
    if (node.dataset.row) return +node.dataset.row;
    const at = +node.dataset.byte;
    let best = null;
    this.all.forEach(({ piece }, i) => { if (piece.start <= at && at < piece.end) best = i; });
    return best;
  }

  choose(row) {
    this.pointed = null;
    this.model.set("selected", row === null ? [] : this.all[row].path);
    this.model.save_changes();
    this.mark();
  }

  point(row) { if (row !== this.pointed) { this.pointed = row; this.mark(); } }

  get chosen() {
    if (this.pointed !== null) return this.pointed;
    const wanted = this.model.get("selected").join();
    const found = wanted ? this.all.findIndex(row => row.path.join() === wanted) : -1;
    return found < 0 ? null : found;
  }

  show() {
    const frame = this.frame;
    if (this.shown !== frame) {
      this.shown = frame;
      this.pointed = null;
      this.all = rows(frame.tree);
      this.draw(frame);
    }
    this.mark();
  }

  draw(frame) {
    const bytes = bytesOf(frame.hex), lines = [];
    this.byteNodes = bytes.map((byte, i) => element("span", {
      class: `mk-byte${byte === "00" ? " mk-zero" : ""}${isText(byte) ? " mk-text" : ""}`, "data-byte": i }, byte));
    for (let at = 0; at < bytes.length; at += BYTES) {
      const row = element("span", {});
      this.byteNodes.slice(at, at + BYTES).forEach((node, i) => row.append(node, i === 7 ? "  " : " "));
      for (let i = bytes.length - at; i < BYTES; i++)
        row.append(element("span", { class: "mk-byte mk-none" }, "00"), i === 7 ? "  " : " ");
      lines.push(element("div", { class: "mk-row" }, element("span", {}, place(at)), row,
        element("span", { class: "mk-letters" }, bytes.slice(at, at + BYTES).map(letter).join(""))));
    }
    this.hex.replaceChildren(...lines);
    const before = this.frames[this.frames.indexOf(frame) - 1], fresh = additions(frame.tree, before?.tree);
    this.rowNodes = this.all.map(({ piece, depth }, i) => element("div", {
      class: `mk-piece${fresh.has(`${piece.start}:${piece.name}`) ? " mk-new" : ""}`, role: "option", "data-row": i,
      "aria-selected": "false" }, element("span", {}, "  ".repeat(depth) + piece.name), element("b", {}, piece.value)));
    this.tree.replaceChildren(...this.rowNodes);
    const buttons = this.frames.map(each => {
      const button = element("button", { type: "button", "aria-pressed": `${each === frame}` }, `v${each.version}`);
      button.addEventListener("click", () => this.toVersion(each.version));
      return button;
    });
    this.bar.replaceChildren(...(this.frames.length > 1 ? ["Version ", ...buttons] : []));
    this.bar.hidden = this.frames.length < 2;
    this.root.dataset.version = frame.version;
  }

  toVersion(version) {
    this.model.set("version", version);
    this.model.save_changes();
    this.show();
  }

  mark() {
    const row = this.chosen, piece = row === null ? null : this.all[row].piece;
    this.byteNodes.forEach((node, i) => {
      node.classList.toggle("mk-in", Boolean(piece) && i >= piece.start && i < piece.end);
      node.classList.toggle("mk-first", Boolean(piece) && i === piece.start && piece.end > piece.start);
    });
    this.rowNodes.forEach((node, i) => {
      node.classList.toggle("mk-in", i === row);
      node.setAttribute("aria-selected", `${i === row}`);
    });
    this.root.dataset.row = row ?? "";
    this.now.textContent = piece ? this.sentence(piece)
      : `${this.frame.tree.name}: ${plural(this.byteNodes.length, "byte")} in ${plural(this.all.length, "piece")}.`;
  }

  sentence(piece) {
    const count = piece.end - piece.start, first = place(piece.start), last = place(piece.end - 1);
    const where = count > 1 ? `${plural(count, "byte")}, ${first} to ${last}` : count ? `1 byte, ${first}` : "no byte";
    const what = [piece.value, piece.form].filter(Boolean).join(", ") || plural(piece.pieces.length, "piece");
    return `${piece.name}: ${what} · ${where}`;
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const versions = this.frames.map(frame => frame.version), at = versions.indexOf(this.frame.version);
    const walk = by => {
      const row = Math.max(0, Math.min(this.all.length - 1, (this.chosen ?? (by > 0 ? -1 : this.all.length)) + by));
      this.choose(row);
      this.rowNodes[row].scrollIntoView({ block: "nearest" });
      this.byteNodes[this.all[row].piece.start]?.scrollIntoView({ block: "nearest" });
    };
    const act = {
      ArrowDown: () => walk(1), ArrowUp: () => walk(-1), Escape: () => this.choose(null),
      ArrowRight: () => this.toVersion(versions[Math.min(versions.length - 1, at + 1)]),
      ArrowLeft: () => this.toVersion(versions[Math.max(0, at - 1)]),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }
}

function render({ model, el }) {
  const widget = new WireExplorer(model, el);
  return () => widget.remove();
}

export default { render };
