// What stands beside the diagram: why the selected message exists and what followed, with the numbers
// that stand in the picture; without a selection what to look for, and the signs used here.

const MARKED = { append: "appended", high_watermark: "committed", position: "the next to read" };

function sideOf(story, shown, focus, looks) {
  const parts = [];
  if (focus) {
    const own = focus.steps.findIndex(step => step.part === "chosen") + 1;
    parts.push(stepList(story, "Why did this happen?", focus.steps.slice(0, own), 1));
    if (focus.steps[own]) parts.push(stepList(story, "What followed?", focus.steps.slice(own), own + 1));
  } else {
    if (looks.length) parts.push(lookList(looks));
    parts.push(element("div", {}, element("h3", {}, "Legend"), legendOf(shown)));
  }
  return [...parts, numbersOf(story, shown)];
}

const stepList = (story, title, steps, first) => element("div", {}, element("h3", {}, title),
  element("ol", { class: "mk-look" }, ...steps.map(({ thing }, i) => stepOf(story, thing, first + i))));

function stepOf({ lanes }, thing, number) {
  const isMessage = thing.sent !== undefined, what = isMessage ? thing.more : MARKED[thing.kind];
  const lost = isMessage && thing.arrived === LOST ? ", lost on its way" : "";
  const where = isMessage ? `${lanes[thing.source].name} → ${lanes[thing.target].name}${lost}` : lanes[thing.lane].name;
  return element("li", { class: "mk-here" }, element("span", { class: "mk-disc" }, `${number}`), element("span", {},
    element("b", {}, thing.title), ...(what ? [`, ${what}`] : []), element("small", {}, `${where} · ${timeText(whenOf(thing))}`)));
}

// The signs that this story has.
function legendOf({ messages, waits, marks }) {
  const list = element("div", { class: "mk-legend" });
  const add = (isUsed, words, paintIt) => isUsed && list.append(glyph(30, 18, paintIt), element("span", {}, words));
  const arrow = (p, idea) => { p.line(2, 3, 26, 14, { stroke: idea, stroke_width: 1.4 }); arrowHead(p, 2, 3, 27, 14.5, idea); };
  const sign = kind => p => {
    const mark = marks.find(each => each.kind === kind);
    p.path(markPoints(mark, 11, 9), { fill: markFill(mark) });
  };
  const has = kind => marks.some(mark => mark.kind === kind), hasIdea = idea => messages.some(message => message.idea === idea);
  add(hasIdea("write"), "writes: Produce and its answer", p => arrow(p, "write"));
  add(hasIdea("read"), "reads: Fetch and its answer", p => arrow(p, "read"));
  add(hasIdea("rule"), "any other message", p => arrow(p, "rule"));
  add(messages.some(message => message.is_answer), "a ring: an answer", p => {
    arrow(p, "edge");
    p.circle(3.5, 3.5, 2.6, { fill: "surface", stroke: "ink-2", stroke_width: 1.3 });
  });
  add(messages.some(message => message.arrived === LOST), "lost on its way", p => { p.line(2, 3, 15, 9, { stroke: "edge", stroke_width: 1.4 }); cross(p, 15, 9, 5); });
  add(waits.some(wait => wait.row === "waiting"), "a request waits", p => parked(p, 1, 2, 28, 14, ""));
  add(waits.some(wait => wait.row !== "waiting"), "a batch fills, or is in flight", p =>
    p.rect(1, 3, 28, 12, { rx: 2, fill: "surface", stroke: "write", stroke_width: 1.1 }));
  add(has("append"), "appended: the log ends here (LEO)", sign("append"));
  add(has("high_watermark"), "committed up to here (HW)", sign("high_watermark"));
  add(has("position"), "a consumer’s next offset", sign("position"));
  return list;
}

function numbersOf({ end }, { messages, lost }) {
  const [size, unit] = sizeText(messages.reduce((sum, message) => sum + message.size_bytes, 0)).split(" ");
  return element("div", {}, element("h3", {}, `In ${timeText(end)}`), element("div", { class: "mk-numbers" },
    numeral(thousands(messages.length), "", "messages"), numeral(size, unit, "on the wire"),
    ...(lost.length ? [numeral(`${lost.length}`, "", "lost")] : [])));
}
