// Every sign once, as a picture: what LANGUAGE.md shows, drawn by the functions that widgets draw with.
//
//     ideas ▭▭▭▭▭▭      six, each with its colour and the shape that says it without one
//     signs ▭▭▭▭▭▭      what each thing looks like, a cell for each
//           ▭▭▭▭▭▭
//
// glyphs.js stands in front of this file.

const IDEAS = [
  ["Written", "write", "producers, batches that fill, a write that lands", "a nib: points out or down"],
  ["Committed", "commit", "high watermark, in sync, acknowledged", "solid post, round badge, tick"],
  ["Read", "read", "consumers, positions, lag, groups", "a notch, a pointer from below"],
  ["Decided", "rule", "leaders, epochs, votes, heartbeats", "crown, ribbon, circle, diamond"],
  ["Lost", "lost", "crash, cut, drop, out of sync", "cross, crack, dashes, a strike"],
  ["Waiting", "edge", "parked requests, timers, not committed", "no colour: a hatch, an arc"],
];

// Cells of a log from x on, committed, and one more of another kind.
function cells(p, x, y, count, last = "committed") {
  for (let i = 0; i < count; i++) batchBox(p, i === count - 1 ? last : "committed", x + i * 16, y, 16, 18);
}

// Title, words, and how to draw it round the middle (x, y) of its cell.
const SIGNS = [
  ["Broker", "a square with a heartbeat", (p, x, y) => brokerBox(p, x - 35, y - 21, 70, 42, "broker 1")],
  ["Controller", "a circle; the active one is bold", (p, x, y) => {
    controllerRing(p, x - 24, y, 18, "101", true);
    controllerRing(p, x + 24, y, 18, "102");
  }],
  ["Leader", "a crown; grey once it is deposed", (p, x, y) => { crown(p, x - 14, y); crown(p, x + 14, y, "edge"); }],
  ["Epoch, term", "a ribbon with its number", (p, x, y) => { ribbon(p, x - 40, y - 8, "e4"); ribbon(p, x, y - 8, "term 6"); }],
  ["Vote", "solid counted, dashed on its way, grey missing", (p, x, y) =>
    ["counted", "sent", "missing"].forEach((state, i) => ballot(p, x - 22 + i * 22, y, state))],
  ["Timer", "the arc is time gone; full, it fires", (p, x, y) => timerRing(p, x, y, 18, 0.72, "848")],
  ["Heartbeat", "a diamond on a control link", (p, x, y) => {
    p.line(x - 40, y, x + 40, y, { stroke: "edge" });
    diamond(p, x + 8, y);
  }],
  ["Partition", "a lane; offsets grow to the right", (p, x, y) => {
    p.text(x - 42, y - 12, "orders-0", "ink", 12, { bold: 1 });
    p.rect(x - 44, y - 6, 88, 26, { rx: 3, fill: "raised", stroke: "line" });
    cells(p, x - 40, y - 2, 4);
    freeSlot(p, x + 26, y - 2, 14, 18);
  }],
  ["Segment", "a folder; the open one has no right edge", (p, x, y) => {
    folder(p, { x0: x - 46, x1: x - 4, top: y - 20, y0: y - 8, y1: y + 18, tab: 36 });
    folder(p, { x0: x + 4, x1: x + 46, top: y - 20, y0: y - 8, y1: y + 18, tab: 36, isOpen: true });
  }],
  ["Index entry", "a pin below the batch it points to", (p, x, y) => {
    cells(p, x - 24, y - 16, 3);
    pin(p, x + 1, y + 2, y + 16);
  }],
  ["Batch", "an outline round its records", (p, x, y) => {
    p.rect(x - 42, y - 17, 84, 34, { rx: 4, fill: "surface", stroke: "edge", stroke_width: 1.3 });
    for (let i = 0; i < 3; i++) p.rect(x - 37 + i * 25.5, y - 11, 23, 22, { rx: 2.5, fill: "cell" });
  }],
  ["Record", "its offset, its key’s shape and name", (p, x, y) => {
    p.rect(x - 23, y - 23, 46, 46, { rx: 3, fill: "cell", stroke: "edge" });
    p.text(x, y - 4, "243", "ink", 14, { bold: 1, text_anchor: "middle" });
    keyShape(p, 0, x - 12, y + 12);
    p.text(x - 4, y + 16, "bob", "ink-2", 11);
  }],
  ["Key", "a shape each; with more keys than shapes, text", (p, x, y) =>
    [0, 1, 2, 3].forEach(i => keyShape(p, i, x - 30 + i * 20, y))],
  ["Control record", "a pill: C commit, A abort", (p, x, y) => controlPill(p, x - 31, y - 14, 62, 28, "251", "C")],
  ["Offset", "a place in the order, counted from 0", (p, x, y) => [41, 42, 43].forEach((offset, i) => {
    batchBox(p, "committed", x - 39 + i * 26, y - 10, 26, 20);
    p.text(x - 26 + i * 26, y + 4, `${offset}`, "ink", 11, { text_anchor: "middle" });
  })],
  ["Landing", "a write just now, in its colour", (p, x, y) => cells(p, x - 32, y - 9, 4, "landing")],
  ["Not committed", "hatched: may still be lost", (p, x, y) => cells(p, x - 32, y - 9, 4, "written")],
  ["Free slot", "where the next record goes", (p, x, y) => { cells(p, x - 32, y - 9, 3); freeSlot(p, x + 18, y - 8, 14, 16); }],
  ["Gone", "deleted, or out of reach", (p, x, y) => { batchBox(p, "gone", x - 32, y - 9, 16, 18); cells(p, x - 16, y - 9, 3); }],
  ["Log start", "a heavy bracket: nothing before it", (p, x, y) => { cells(p, x - 22, y - 9, 3); bracket(p, x - 27, y - 13, y + 13); }],
  ["High watermark", "post and filled flag: committed is behind it", (p, x, y) => {
    cells(p, x - 32, y - 2, 4, "written");
    flag(p, x + 16, y - 20, y + 18, "HW 44", -1);
  }],
  ["Log end (LEO)", "hollow flag at the next free slot", (p, x, y) => {
    cells(p, x - 40, y - 2, 3);
    freeSlot(p, x + 9, y - 2, 15, 18);
    flag(p, x + 8, y - 20, y + 18, "44", 1);
  }],
  ["In sync", "a replica with a round badge", (p, x, y) => badge(p, x, y, "1", true)],
  ["Out of sync", "its badge is a dashed square, struck", (p, x, y) => badge(p, x, y, "2", false)],
  ["Message", "a dot with a tail; a ring is an answer", (p, x, y) => {
    inFlight(p, x - 8, y, "write", 1);
    inFlight(p, x + 14, y, "read", -1, true);
  }],
  ["Lost message", "its line stops at a cross", (p, x, y) => {
    p.line(x - 42, y + 16, x, y, { stroke: "write", stroke_width: 1.6 });
    p.line(x, y, x + 42, y - 16, { stroke: "edge", stroke_dasharray: "1.5 3" });
    cross(p, x, y, 5);
  }],
  ["Cut link", "two slashes across a broken line", (p, x, y) => {
    p.line(x - 42, y, x + 42, y, { stroke: "edge", stroke_dasharray: "4 3" });
    cut(p, x, y);
  }],
  ["Parked request", "a hatched bar; ends at its reason", (p, x, y) => parked(p, x - 44, y - 9, 88, 17, "")],
  ["Closed because", "full, linger, slot free, flush, memory, close", (p, x, y) =>
    ["full", "linger", "slot", "flush", "memory", "close"].forEach((why, i) => closedBecause(p, x - 50 + i * 20, y, why, 0.85))],
  ["Acknowledged", "a tick, only where it is safe", (p, x, y) => { p.line(x - 34, y, x + 2, y, { stroke: "edge" }); tick(p, x + 14, y); }],
  ["Producer", "points out", (p, x, y) => {
    tag(p, x - 38, y - 13, 76, { h: 26 });
    p.text(x - 30, y + 4, "till", "write-text", 12, { bold: 1 });
  }],
  ["Consumer", "is notched: takes in", (p, x, y) => {
    notched(p, x - 38, y - 13, 76, { h: 26 });
    p.text(x - 24, y + 4, "billing", "read-text", 12, { bold: 1 });
  }],
  ["Position and lag", "a pointer; a ruler from it to the HW", (p, x, y) => {
    cells(p, x - 40, y - 16, 5);
    pointer(p, x - 16, y + 4);
    ruler(p, x - 10, x + 40, y + 9);
    p.text(x + 15, y + 13, "lag 3", "read-text", 11, { bold: 1, halo: "surface", text_anchor: "middle" });
  }],
  ["Group generation", "a hexagon with its number", (p, x, y) => hexagon(p, x, y, "5")],
  ["Crash", "dashed, a crack, and when; the disk stays", (p, x, y) => {
    p.rect(x - 38, y - 20, 76, 40, { rx: 6, fill: "surface", ...DEAD });
    crack(p, x + 36, y - 22, y + 22);
    p.text(x - 28, y + 4, "11.00 s", "lost-text", 11, { bold: 1 });
  }],
  ["Call-out", "the same number stands in the text", (p, x, y) => callOut(p, "1", x, y)],
];

// Words in lines that fit.
function wrapped(words, width, size) {
  const lines = [""];
  for (const word of words.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (textWidth(longer, size) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

const IDEA_TALL = 128, SIGN_TALL = 128, LEAST_WIDE = 132;

export function still({ width }) {
  const picture = new Picture(width), columns = Math.max(2, Math.floor(width / LEAST_WIDE)), wide = width / columns;
  const cell = (i, top, tall, paintIt) => {
    const x = (i % columns) * wide, y = top + Math.floor(i / columns) * tall;
    picture.rect(x, y, wide, tall, { fill: "surface", stroke: "line" });
    paintIt(x, y);
  };
  const say = (x, y, title, words, colour = "ink-2") => {
    if (title) picture.text(x, y, title, "ink", 12, { bold: 1 });
    wrapped(words, wide - 18, 11).forEach((line, i) => picture.text(x, y + 15 + i * 13.5, line, colour, 11));
  };
  IDEAS.forEach(([title, idea, things, shape], i) => cell(i, 0, IDEA_TALL, (x, y) => {
    const [left, top, half] = [x + 10, y + 12, (wide - 20) / 2];
    if (idea === "edge") {
      picture.rect(left, top, 2 * half, 16, { fill: "surface", stroke: "edge" });
      picture.hatch(left, top, 2 * half, 16, "edge", 5);
    } else {
      picture.rect(left, top, half, 16, { fill: idea });
      picture.rect(left + half, top, half, 16, { fill: `${idea}-soft` });
      picture.text(left + half + 6, top + 12, "Ag 0123", `${idea}-text`, 11, { bold: 1 });
    }
    say(left, y + 46, title, things);
    const lines = wrapped(things, wide - 18, 11).length;
    say(left, y + 46 + lines * 13.5, "", shape, "ink-3");
  }));
  const top = Math.ceil(IDEAS.length / columns) * IDEA_TALL;
  SIGNS.forEach(([title, words, paintIt], i) => cell(i, top, SIGN_TALL, (x, y) => {
    paintIt(picture, x + wide / 2, y + 36);
    say(x + 10, y + 80, title, words);
  }));
  picture.height = top + Math.ceil(SIGNS.length / columns) * SIGN_TALL;
  const label = `Six ideas and ${SIGNS.length} signs: ${[...IDEAS, ...SIGNS].map(([title]) => title).join(", ")}.`;
  return { width, height: picture.height, shapes: picture.shapes, anchors: {}, label };
}
