// Bytes beside their fields, each pointing at the other: a part that widgets put in where they want.
//
//     0000  00 00 00 27 00 03 00 0c   ···'····      size                 39
//     0008  00 00 00 04 ff ff 00 …                  header
//           ──┬── ▲                                   request_api_key    3 (Metadata)
//             └── a row of the tree, and its bytes    request_api_version 12
//
//     const view = new BytesAndFields(() => …);       // told when the reader points or chooses
//     detail.append(view.node);
//     view.show({ hex, tree });                       // tree: Piece.to_json() of wire/anatomy.py
//
// There is one cursor: a byte, and the row that it belongs to. Only the lines of bytes that are in
// sight are in the page, so a frame of a megabyte opens as fast as a small one.

const LINES_AT_ONCE = 120, LINE_PX = 20, FEW_LINES = 24;

const byteAt = (hex, at) => hex.slice(2 * at, 2 * at + 2);
const isText = byte => { const c = parseInt(byte, 16); return c > 32 && c < 127; };
const letter = byte => isText(byte) ? String.fromCharCode(parseInt(byte, 16)) : "·";
const hexPlace = (offset, digits = 4) => offset.toString(16).padStart(digits, "0");
// Where a version becomes flexible a length has another form, but is the same thing.
const plainName = piece => piece.name.replace(" + 1", "");

// The pieces in the order of their bytes, the root left out: each with its path and depth, and what
// became of it since the tree `before`: "new", "gone" (it has no path), or how many bytes it grew.
function treeRows(tree, before) {
  const found = [];
  const walk = (piece, old, path, depth) => {
    const olds = old?.pieces ?? [], names = new Set(piece.pieces.map(plainName));
    let at = 0;
    const goneUntil = end => {
      for (; at < end; at++)
        if (!names.has(plainName(olds[at]))) found.push({ piece: olds[at], path: null, depth, change: "gone" });
    };
    piece.pieces.forEach((each, i) => {
      const own = [...path, i], was = olds.findIndex(other => plainName(other) === plainName(each));
      if (was >= at) { goneUntil(was); at = was + 1; }
      const grown = was < 0 || each.pieces.length ? 0 : each.end - each.start - (olds[was].end - olds[was].start);
      found.push({ piece: each, path: own, depth, change: old && was < 0 ? "new" : grown || "" });
      walk(each, olds[was], own, depth + 1);
    });
    if (piece.pieces.length) goneUntil(olds.length);
  };
  walk(tree, before, [], 0);
  return found;
}

// In words, with its place: what a reader hears of the row under the cursor.
function pieceSentence(piece) {
  const count = piece.end - piece.start, first = hexPlace(piece.start), last = hexPlace(piece.end - 1);
  const where = count > 1 ? `${plural(count, "byte")}, ${first} to ${last}` : count ? `1 byte, ${first}` : "no byte";
  const what = [piece.value, piece.form].filter(Boolean).join(", ") || plural(piece.pieces.length, "piece");
  return `${piece.name}: ${what} · ${where}`;
}

class BytesAndFields {
  constructor(changed) {
    this.changed = changed;
    this.byte = -1; // the cursor
    this.row = null;
    this.pointed = null; // a row and a byte that the pointer is on
    this.dress = () => null; // { byte, title } where a byte is shown with another value
    this.per = 16;
    this.lines = element("div", { class: "mk-lines" });
    this.hex = element("div", { class: "mk-hex", role: "group", tabindex: "0", "aria-label": "Bytes" }, this.lines);
    this.tree = element("div", { class: "mk-tree", role: "listbox", tabindex: "0", "aria-label": "Fields" });
    this.left = element("div", { class: "mk-left" }, this.hex);
    this.node = element("div", { class: "mk-bytes" }, this.left, this.tree);
    for (const part of [this.hex, this.tree]) {
      part.addEventListener("pointerover", event => this.point(this.under(event.target)));
      part.addEventListener("pointerleave", () => this.point(null));
      part.addEventListener("click", event => {
        const under = this.under(event.target);
        this.choose(under?.byte ?? -1, under?.row ?? null);
      });
    }
    this.node.addEventListener("keydown", event => this.onKey(event));
    this.hex.addEventListener("scroll", () => this.draw());
    this.observer = new ResizeObserver(() => this.measure());
    this.observer.observe(this.node);
  }

  remove() { this.observer.disconnect(); }

  // Show a frame; `before` is the tree that it is compared with.
  show({ hex, tree }, before) {
    this.bytes = hex;
    this.size = hex.length / 2;
    this.rows = treeRows(tree, before);
    this.pointed = null;
    this.byte = -1;
    this.row = null;
    this.rowNodes = this.rows.map(({ piece, depth, path, change }, i) => element("div", {
      class: `mk-piece${change === "new" || change === "gone" ? ` mk-${change}` : ""}${piece.pieces.length ? " mk-group" : ""}${piece.name === "unread" ? " mk-unread" : ""}`,
      role: "option", "data-row": path ? i : null, "aria-selected": "false", "aria-disabled": path ? null : "true" },
    element("span", { style: `--depth:${depth}` }, ...breakable(piece.name),
      ...(change ? [element("i", {}, typeof change === "number" ? `${change > 0 ? "+" : "−"}${Math.abs(change)}` : change)] : [])),
    element("b", {}, piece.value)));
    this.tree.replaceChildren(...this.rowNodes);
    this.hex.scrollTop = this.tree.scrollTop = 0;
    this.measure(true);
  }

  measure(anew = false) {
    const style = getComputedStyle(this.hex), k = (parseFloat(style.fontSize) || 12.5) / 12.5;
    const width = this.node.clientWidth || 1200, per = width < 960 * k || this.size <= 8 * FEW_LINES ? 8 : 16;
    this.linePx = LINE_PX * k;
    this.node.classList.toggle("mk-stacked", width < 620 * k);
    if (per !== this.per || anew) { this.per = per; this.drawn = ""; }
    if (this.bytes !== undefined) this.draw();
  }

  // Again, with other clothes.
  redraw() { this.drawn = ""; this.draw(); }

  draw() {
    const count = Math.ceil(this.size / this.per), top = Math.floor(this.hex.scrollTop / this.linePx);
    const first = Math.max(0, Math.min(count - LINES_AT_ONCE, top - LINES_AT_ONCE / 3 | 0));
    const last = Math.min(count, first + LINES_AT_ONCE), drawn = `${first}/${this.per}`;
    if (drawn !== this.drawn) {
      this.drawn = drawn;
      this.byteNodes = new Map();
      const lines = [];
      for (let line = first; line < last; line++) lines.push(this.line(line * this.per));
      this.lines.style.paddingTop = `${first * this.linePx}px`;
      this.lines.style.paddingBottom = `${(count - last) * this.linePx}px`;
      this.lines.replaceChildren(...lines);
    }
    this.mark();
  }

  line(start) {
    const row = element("span", {}), letters = element("span", { class: "mk-letters" });
    for (let at = start; at < start + this.per; at++) {
      const gap = at - start === 7 && this.per > 8 ? "  " : " ";
      if (at >= this.size) { row.append(element("span", { class: "mk-byte mk-none" }, "00"), gap); continue; }
      const honest = byteAt(this.bytes, at), dressed = this.dress(at), byte = dressed?.byte ?? honest;
      const node = element("span", { "data-byte": at, title: dressed?.title,
        class: `mk-byte${byte === "00" ? " mk-zero" : ""}${isText(byte) ? " mk-text" : ""}${dressed ? " mk-lie" : ""}` }, byte);
      this.byteNodes.set(at, node);
      row.append(node, gap);
      letters.append(letter(byte));
    }
    return element("div", { class: "mk-line" }, element("span", {}, hexPlace(start, Math.max(4, this.size.toString(16).length))), row, letters);
  }

  // What an element stands for: the innermost row, and the byte itself or the row's first.
  under(target) {
    const node = target.closest?.("[data-row], [data-byte]");
    if (!node) return null;
    if (node.dataset.row) return { row: +node.dataset.row, byte: this.firstByte(+node.dataset.row) };
    return { row: this.rowOf(+node.dataset.byte), byte: +node.dataset.byte };
  }

  firstByte(row) { const { piece } = this.rows[row]; return piece.end > piece.start ? piece.start : -1; }

  rowOf(byte) {
    let best = null;
    this.rows.forEach(({ piece, path }, i) => { if (path && piece.start <= byte && byte < piece.end) best = i; });
    return best;
  }

  point(under) {
    if (under?.row === this.pointed?.row && under?.byte === this.pointed?.byte) return;
    this.pointed = under;
    this.mark();
    this.changed();
  }

  choose(byte, row) {
    this.pointed = null;
    this.byte = byte;
    this.row = row;
    this.mark();
    this.changed();
  }

  // What the cursor is on, or while there is a pointer, the pointer.
  get piece() { const row = (this.pointed ?? this).row; return row === null ? null : this.rows[row].piece; }

  mark() {
    const { row, byte } = this.pointed ?? this, piece = this.piece;
    for (const [at, node] of this.byteNodes) {
      node.classList.toggle("mk-in", Boolean(piece) && at >= piece.start && at < piece.end);
      node.classList.toggle("mk-first", Boolean(piece) && at === piece.start && piece.end > piece.start);
      node.classList.toggle("mk-at", at === byte);
    }
    this.rowNodes[this.marked]?.classList.remove("mk-in");
    this.rowNodes[this.marked]?.setAttribute("aria-selected", "false");
    this.marked = row;
    this.rowNodes[row]?.classList.add("mk-in");
    this.rowNodes[row]?.setAttribute("aria-selected", "true");
  }

  walkRows(by) {
    let row = this.row ?? (by > 0 ? -1 : this.rows.length);
    do row += by; while (this.rows[row] && !this.rows[row].path);
    if (!this.rows[row]) return;
    this.choose(this.firstByte(row), row);
    this.reveal();
  }

  walkBytes(by) {
    const at = this.byte < 0 ? (by > 0 ? 0 : this.size - 1) : this.byte + by;
    this.toByte(Math.max(0, Math.min(this.size - 1, at)));
  }

  toByte(byte) {
    this.choose(byte, this.rowOf(byte));
    this.reveal();
  }

  // Scroll both sides, and nothing else, so that the cursor can be seen.
  reveal() {
    const row = this.rowNodes[this.row];
    if (row) scrollInto(this.tree, row.offsetTop, row.offsetHeight);
    if (this.byte >= 0) scrollInto(this.hex, Math.floor(this.byte / this.per) * this.linePx, this.linePx);
    this.draw();
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const inHex = event.target === this.hex;
    const act = {
      ArrowDown: () => inHex ? this.walkBytes(this.per) : this.walkRows(1),
      ArrowUp: () => inHex ? this.walkBytes(-this.per) : this.walkRows(-1),
      ArrowRight: () => this.walkBytes(1), ArrowLeft: () => this.walkBytes(-1),
      Home: () => this.toByte(0), End: () => this.toByte(this.size - 1), Escape: () => this.choose(-1, null),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }
}

// A long name may go on in the next line, behind an underscore.
const breakable = name => name.split(/(?<=_)/).flatMap((part, i) => i ? [element("wbr"), part] : [part]);

function scrollInto(box, top, height) {
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + height > box.scrollTop + box.clientHeight - height) box.scrollTop = top + 2 * height - box.clientHeight;
}
