// The lens of a log strip: some records large, with key and value, below the place they stand at.
//
//     ╲                ╲                       a beam from the strip
//      ╔ batch 241..246 · 6 records · 498 B ╗┊ 247 ┊
//      ║ 241  242  243  244  245  246       ║┊ next┊
//      ╚════════════════════════════════════╝
//             ▲ billing reads 244 next

class Lens {
  constructor(strip, view, start) {
    this.picture = strip.picture; this.layout = strip.layout; this.lane = strip.lane;
    this.strip = strip; this.view = view; this.start = start; this.y = strip.yLens;
    this.stop = start + this.layout.capacity;
  }
  x(offset) { return this.layout.left + (offset - this.start) * this.layout.cell; }

  beam() {
    const { strip, layout } = this, end = Math.min(this.view.log_end, this.stop);
    const x0 = strip.inside(strip.x(this.start)), x1 = strip.inside(strip.x(end));
    if (end > this.start)
      this.picture.path(["M", x0, strip.yEnd, "H", x1, "L", this.x(end), this.y, "H", layout.left, "Z"],
        { fill: "raised" });
  }

  draw() {
    const { view, start, stop } = this, { base, end } = this.lane.batches;
    if (view.log_end <= stop) this.freeSlot();
    for (const [i, kind] of view.batches)
      if (end[i] > start && base[i] < stop && kind !== "cut") this.batch(i, kind);
    if (start <= view.high_watermark && view.high_watermark <= stop) this.highWatermark();
    this.readers();
  }

  batch(i, kind) {
    const { picture: paint, y, start, stop } = this, h = this.layout.lens, columns = this.lane.batches;
    const base = columns.base[i], end = columns.end[i], isLanding = kind === "landing";
    const x0 = this.x(Math.max(base, start)) + 2, x1 = this.x(Math.min(end, stop)) - 2;
    const colour = { fill: isLanding ? "write-soft" : "surface", stroke: isLanding ? "write" : "edge",
      stroke_width: isLanding ? 2 : 1.3, ...(kind === "gone" ? { stroke_dasharray: "2 2.5" } : {}) };
    if (base >= start && end <= stop) paint.rect(x0, y, x1 - x0, h, { rx: 4, ...colour });
    else if (base >= start) paint.path(["M", x1, y, "H", x0, "V", y + h, "H", x1], colour);
    else paint.path(["M", x0, y, "H", x1, "V", y + h, "H", x0], colour);
    const size = sizeText(columns.size_bytes[i]), where = span(base, end);
    const words = [`batch ${where} · ${plural(end - base, "record")} · ${size}`,
      `${where} · ${size}`, where];
    paint.text(x0 + 6, y + 14, fitting(words, x1 - x0 - 9, 11, true),
      isLanding ? "write-text" : "ink-2", 11, { bold: 1 });
    const pairs = columns.records[i], to = Math.min(end, Math.floor(stop));
    for (let offset = Math.max(base, Math.ceil(start)); offset < to; offset++)
      this.record(offset, pairs.length ? pairs[offset - base] : [null, null], kind);
  }

  record(offset, [key, value], kind) {
    const paint = this.picture, cell = this.layout.cell, left = this.x(offset);
    const x = left + 5, y = this.y + 20, w = cell - 10, h = this.layout.lens - 24;
    const middle = left + cell / 2, isHatched = kind === "landing" || kind === "written";
    const stroke = { landing: "write", written: "edge", gone: "edge" }[kind] ?? "none";
    const fill = { committed: "cell", gone: "none" }[kind] ?? "surface";
    paint.rect(x, y, w, h, { rx: 2.5, fill, stroke,
      ...(kind === "gone" ? { stroke_dasharray: "2 2.5" } : {}) });
    if (isHatched) paint.hatch(x, y, w, h, "edge", 7);
    const centre = { text_anchor: "middle", ...(isHatched ? { halo: "surface" } : {}) };
    paint.text(middle, y + 18, `${offset}`, kind === "gone" ? "ink-3" : "ink", 14,
      { bold: 1, ...centre });
    if (key !== null) drawKey(paint, this.layout.keys, key, middle, y + 34, w, isHatched);
    if (value !== null) {
      const letters = [...value];
      const cuts = letters.map((_, n) => letters.slice(0, letters.length - n).join("") + (n ? "…" : ""));
      paint.text(middle, y + 52, fitting(cuts, w + 4, 11), "ink-2", 11, centre);
    }
  }

  freeSlot() {
    const x = this.x(this.view.log_end), cell = this.layout.cell, y = this.y + 20;
    this.picture.rect(x + 5, y, cell - 10, this.layout.lens - 24,
      { rx: 3, fill: "none", stroke: "edge", stroke_dasharray: "3 3", stroke_width: 1.2 });
    const middle = { text_anchor: "middle" };
    this.picture.text(x + cell / 2, y + 18, `${whole(this.view.log_end)}`, "ink-3", 14, middle);
    this.picture.text(x + cell / 2, y + 36, "next", "ink-3", 11, middle);
  }

  highWatermark() {
    const { picture: paint, view, y } = this, x = this.x(view.high_watermark);
    paint.line(x, y - 12, x, y + this.layout.lens + 4, { stroke: "commit", stroke_width: 3 });
    if (view.high_watermark >= view.log_end) return;
    const bold = { bold: 1, halo: "surface" };
    if (view.high_watermark > this.start)
      paint.text(x - 6, y - 6, "committed", "commit-text", 11, { ...bold, text_anchor: "end" });
    paint.text(x + 7, y - 6, "not yet", "ink-2", 11, bold);
  }

  readers() {
    const { view, start } = this, y = this.y + this.layout.lens + 6, cell = this.layout.cell;
    const end = Math.min(this.stop, view.log_end);
    const inside = [...new Set(view.readers.map(r => r[1]).filter(o => start <= o && o <= end))]
      .sort((a, b) => a - b);
    let taken = this.layout.left;
    inside.forEach((offset, i) => {
      const names = view.readers.filter(r => r[1] === offset).map(r => r[0]);
      const x = this.x(offset) + cell / 2, who = names.join(", ");
      const verb = names.length > 1 ? "read" : "reads";
      const wordings = [`${who} ${verb} ${whole(offset)} next`, who];
      const after = i + 1 < inside.length ? this.x(inside[i + 1]) + cell / 2 - 8
        : this.layout.width;
      pointer(this.picture, x, y);
      const right = fitting(wordings, after - x - 9, 11, true);
      const left = right === wordings[0] ? "" : fitting(wordings, x - 9 - taken, 11, true);
      if (left.length > right.length) {
        this.picture.text(x - 9, y + 9, left, "read-text", 11, { bold: 1, text_anchor: "end" });
        taken = x + 8;
      } else {
        this.picture.text(x + 9, y + 9, right, "read-text", 11, { bold: 1 });
        taken = x + 9 + textWidth(right, 11, true) + 8;
      }
    });
  }
}

// A key around (x, y) in at most `room`: its shape and its name, or the name alone.
function drawKey(paint, keys, key, x, y, room, isHatched) {
  const shape = keys.indexOf(key), letters = [...key];
  const wordings = [key, letters.slice(0, 5).join("") + "…", letters.slice(0, 3).join("") + "…", ""];
  const words = fitting(wordings, room - (shape >= 0 ? 15 : 2), 11);
  if (shape < 0) {
    paint.text(x, y + 4, words, "ink-2", 11,
      { text_anchor: "middle", ...(isHatched ? { halo: "surface" } : {}) });
    return;
  }
  const start = x - (textWidth(words, 11) + 13) / 2;
  if (isHatched)
    paint.rect(start - 2, y - 7, textWidth(words, 11) + 17, 14, { rx: 3, fill: "surface" });
  keyShape(paint, shape, start + 5, y);
  paint.text(start + 13, y + 4, words, "ink-2", 11);
}
