// What a space-time story says, before anything is drawn: what of it is shown, what led to what.
//
//     story ─► shownOf(hidden) ─► space_time_picture.js
//           └► linked(message): events before ─► the message ─► events after
//
// Beside the causes of the trace itself (an event's cause is the event whose handling it was), a
// message's past is the question that it answers, and what the same moment did: the append, the wait
// that ended.

const LOST = -1;
const MOST_BEFORE = 6, MOST_AFTER = 3;

const timeText = us =>
  us >= 1e6 ? `${+(us / 1e6).toFixed(3)} s` : us >= 1000 ? `${+(us / 1000).toFixed(3)} ms` : `${us} µs`;
const whenOf = thing => thing.sent ?? thing.since ?? thing.at;

// The first place in a sorted list whose number is greater.
function placeAfter(sorted, number) {
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= number) low = middle + 1; else high = middle;
  }
  return low;
}

// ---- what is shown -----------------------------------------------------------------------------

// `hidden` has kinds of messages and names of nodes. A lane stays as long as something happens in it.
function shownOf(story, { kinds, nodes }) {
  const gone = new Set(nodes), without = new Set(kinds);
  const isThere = lane => !gone.has(story.lanes[lane].name);
  const messages = story.messages.filter(m => !without.has(m.api) && isThere(m.source) && isThere(m.target));
  const waits = story.waits.filter(wait => isThere(wait.lane)), marks = story.marks.filter(mark => isThere(mark.lane));
  const used = new Set([...messages.flatMap(m => [m.source, m.target]), ...[...waits, ...marks].map(each => each.lane)]);
  const lanes = story.lanes.map((_, i) => i).filter(i => isThere(i) && (used.has(i) || story.lanes[i].is_wanted));
  const numbers = each => Float64Array.from(each).sort();
  const parked = waits.filter(wait => wait.row === "waiting");
  return { lanes, messages, waits, marks, usual: usual(story), sent: numbers(messages.map(m => m.sent)),
    lost: numbers(messages.filter(m => m.arrived === LOST).map(m => m.sent)),
    parked: numbers(parked.map(wait => wait.since)), ended: numbers(parked.map(wait => wait.until)) };
}

// How long messages usually take: what a lost one is drawn with.
function usual(story) {
  const taken = story.messages.filter(m => m.arrived >= 0).map(m => m.arrived - m.sent).sort((a, b) => a - b);
  return taken[taken.length >> 1] || Math.max(1, story.end / 20);
}

// When a message's arrow ends.
const endOf = (message, shown) => message.arrived >= 0 ? message.arrived : message.sent + shown.usual;

// Each kind of message with how many there are and their bytes; how clients find their way is one.
function kindsOf(story) {
  const found = new Map();
  for (const { api, idea, size_bytes } of story.messages) {
    const isChatter = story.chatter.includes(api), name = isChatter ? "chatter" : api;
    if (!found.has(name)) found.set(name, { name, idea, apis: isChatter ? story.chatter : [api], count: 0, bytes: 0 });
    const kind = found.get(name);
    kind.count += 1;
    kind.bytes += size_bytes;
  }
  return [...found.values()].sort((a, b) => (a.name === "chatter") - (b.name === "chatter"));
}

// The story at an instant, in words.
function describe(story, shown, time) {
  const sent = placeAfter(shown.sent, time), lost = placeAfter(shown.lost, time);
  const waiting = placeAfter(shown.parked, time) - placeAfter(shown.ended, time);
  const words = [plural(sent, "message"), ...(lost ? [`${lost} lost`] : []),
    ...(waiting > 0 ? [`${plural(waiting, "request")} waiting`] : [])];
  const names = shown.lanes.map(lane => story.lanes[lane].name);
  const whom = names.length > 5 ? plural(names.length, "node") : names.join(", ") || "nobody";
  return `${timeText(Math.round(time))}: ${words.join(", ")} between ${whom}.`;
}

// ---- causes and effects ------------------------------------------------------------------------

// Every event that led to these, and every event that followed from them.
function related(causes, events) {
  const before = new Set(), after = new Set(events);
  for (let event of events)
    for (; event >= 0 && !before.has(event); event = causes[event]) before.add(event);
  for (let event = Math.max(...events) + 1; event < causes.length; event++)
    if (after.has(causes[event])) after.add(event);
  events.forEach(event => { before.delete(event); after.delete(event); });
  return { before, after };
}

const touches = (thing, events) => thing.events.some(event => events.has(event));

function linked(story, message) {
  const found = related(story.causes, message.events), { before } = found;
  const question = message.is_answer
    && story.messages.find(other => other.exchange === message.exchange && other !== message);
  if (question) for (const event of question.events)
    for (let each = event; each >= 0 && !before.has(each); each = story.causes[each]) before.add(each);
  const moments = new Map(); // why a message went out, and the event of its going out
  for (const { events: [sent] } of story.messages)
    if ((before.has(sent) || sent === message.events[0]) && story.causes[sent] >= 0) moments.set(story.causes[sent], sent);
  for (const { events } of [...story.marks, ...story.waits]) {
    const last = events.at(-1);
    if (events.length < 3 && last < (moments.get(story.causes[last]) ?? -1)) before.add(last);
  }
  return found;
}

// A selection: what it is linked with, and its steps in time: what led to it, itself, what followed.
function focusOf(story, shown, selected) {
  const chosen = story.messages[selected];
  if (!chosen) return null;
  const { before, after } = linked(story, chosen);
  const part = thing => thing === chosen ? "chosen" : touches(thing, before) ? "before" : touches(thing, after) ? "after" : "";
  const things = [...shown.messages, ...shown.marks, ...shown.waits.filter(wait => wait.row === "waiting")];
  const among = wanted => things.filter(thing => part(thing) === wanted)
    .map(thing => ({ thing, part: wanted })).sort((a, b) => whenOf(a.thing) - whenOf(b.thing) || a.thing.events[0] - b.thing.events[0]);
  const earlier = among("before"), later = among("after");
  const steps = [...earlier.slice(-MOST_BEFORE), { thing: chosen, part: "chosen" }, ...later.slice(0, MOST_AFTER)];
  return { chosen, part, steps, earlier, later, causes: story.causes };
}
