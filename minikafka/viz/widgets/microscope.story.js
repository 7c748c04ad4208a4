// What the microscope is told (viz/microscope.py), as objects, and in words.
//
//     story.a.batches [[1752, 0, 21752, "linger", …], …] ─► sides [{ batches: [{ opened: 1752, … }], … }]

const BATCH = ["opened", "first", "closed", "why", "count", "size", "wire", "sent", "left", "arrived", "appended", "answered", "acked"];
const FETCH = ["left", "arrived", "parked", "has", "why", "answered", "fetched", "first", "end", "size"];
const HEADER_BYTES = 61;

const named = (names, values) => Object.fromEntries(names.map((name, i) => [name, values[i]]));

// A knob as readers know it, its value with a unit, and names for where there is less room.
const KNOBS = {
  linger_ms: ["linger.ms", v => `${v} ms`], batch_size: ["batch.size", v => binary(v)],
  per_ms: ["arrival rate", v => `${v} /ms`], record_bytes: ["record size", v => v < 1000 ? `${v} B` : `${v / 1000} kB`],
  compression_type: ["compression.type", v => v, "codec"], acks: ["acks", v => v],
  max_in_flight_requests_per_connection: ["max.in.flight.requests.per.connection", v => `${v}`, "max.in.flight", "in.flight"],
  fetch_min_bytes: ["fetch.min.bytes", v => v < 1000 ? `${v} B` : `${v / 1000} kB`, "min.bytes"], fetch_max_wait_ms: ["fetch.max.wait.ms", v => `${v} ms`, "max.wait"],
  latency_ms: ["link, one way", v => `${v} ms`, "link"], mb_per_s: ["link, bandwidth", v => `${thousands(v)} MB/s`, "bandwidth", "link"],
  fsync_ms: ["disk, each append", v => v ? `flush ${v} ms` : "no flush", "disk"], buffer_memory: ["buffer.memory", v => binary(v), "memory"],
  max_poll_records: ["max.poll.records", v => `${v}`, "max.poll"], handle_us: ["program, a record", v => v < 1000 ? `${v} µs` : `${v / 1000} ms`, "program"],
};
const ARRIVING = ["per_ms", "record_bytes"];
const binary = v => v >= 1 << 20 ? `${v / (1 << 20)} MB` : v >= 1024 ? `${v / 1024} KB` : `${v} B`;
const knobName = name => KNOBS[name][0], knobText = (name, value) => KNOBS[name][1](value), isConfig = name => !knobName(name).includes(" ");
const knobNames = name => KNOBS[name].filter(each => typeof each === "string");

const BECAUSE = { full: "full", linger: "linger.ms over", slot: "a slot in flight came free", request: "another was leaving",
  flush: "flush()", memory: "buffer.memory used up", close: "close()" };

// The settings in which A and B differ.
const differing = knobs => knobs.b ? Object.keys(knobs.a).filter(name => knobs.a[name] !== knobs.b[name]) : [];

// Whose part of the story: each side with its batches, fetches and polls, and what became of every record.
export function sidesOf(story) {
  return ["a", "b"].filter(name => story[name]).map(name => {
    const told = story[name], settings = story.knobs[name], taken = [...story.arrivals];
    for (const [i, at] of told.late) taken[i] = at;
    const fetches = told.fetches.map(each => named(FETCH, each));
    const polls = told.polls.map(([at, first, end]) => ({ at, first, end, until: at + (end - first) * settings.handle_us }));
    const batches = told.batches.map((each, index) => ({ ...named(BATCH, each), index }));
    for (const batch of batches) batch.over = Math.max(batch.acked, batch.left, batch.arrived); // with acks=0 it is done with before it arrives
    const acks = [], read = [];
    for (const batch of batches) for (let i = 0; i < batch.count; i++) acks.push(batch.acked - story.arrivals[acks.length]);
    for (const poll of polls) for (let i = poll.first; i < poll.end; i++) read.push(poll.at - story.arrivals[i]);
    for (const batch of batches) {
      const last = batch.first + batch.count - 1, holds = each => each.first <= last && last < each.end;
      batch.fetch = fetches.find(holds);
      batch.polls = polls.filter(poll => poll.first <= last && batch.first < poll.end);
      batch.polled = batch.polls.at(-1)?.at;
    }
    return { name, label: name.toUpperCase(), settings, taken, fetches, polls, batches, acks, read, measured: told.measured,
      late: told.late.length };
  });
}

// Where the axis ends: when all is acknowledged and polled, though not long after the last acknowledgement.
function endOf(story, sides) {
  const most = values => Math.max(0, ...values), acked = most(sides.flatMap(side => side.batches.map(batch => batch.over)));
  const polled = most(sides.flatMap(side => side.polls.map(poll => poll.until)));
  return Math.ceil(Math.max(acked, story.window_ms * 1000, Math.min(polled, acked * 1.6)) * 1.015);
}

// All instants at which something happens, for stepping.
function instantsOf(story, sides, end) {
  const found = new Set([0, end]);
  for (const at of story.arrivals) found.add(at);
  for (const { batches, polls, fetches } of sides) {
    for (const { opened, closed, arrived, acked } of batches) found.add(opened).add(closed).add(arrived).add(acked);
    for (const { at } of polls) found.add(at);
    for (const { answered } of fetches) if (answered !== null) found.add(answered);
  }
  return [...found].filter(at => at >= 0 && at <= end).sort((x, y) => x - y);
}

// ---- in words ----------------------------------------------------------------------------------

const ms = us => `${(us / 1000).toFixed(us < 10_000 ? 2 : 1)} ms`;
const whichRecords = (first, count) => count === 1 ? `record ${first}` : `records ${first} to ${first + count - 1}`;

export function headline(story) {
  const records = plural(story.arrivals.length, "record");
  if (!story.b) return `${records}, one configuration.`;
  const names = differing(story.knobs).map(name => isConfig(name) ? `\`${knobName(name)}\`` : knobName(name));
  return `The same ${records}, two configurations. ${names.length ? `Only ${names.join(" and ")} differ${names.length > 1 ? "" : "s"}.` : "Nothing differs."}`;
}

const because = counts => Object.entries(counts).map(([why, count]) => `${count} ${BECAUSE[why] ?? why}`).join(", ");

// What a late program waited for: memory, unless it calls flush() itself.
const lateWords = ({ batches }) => batches.flush ? "send() or flush() blocks" : "send() blocks, buffer.memory is used up";

function sideWords({ label, measured: m, settings }, names) {
  const own = names.map(name => `${knobName(name)} = ${knobText(name, settings[name])}`).join(", ");
  return `${label}${own ? ` (${own})` : ""}: ${plural(m.records, "record")}, ${thousands(whole(m.records_per_second))} a second, in ` +
    `${plural(m.requests, "request")} of ${sizeText(m.sent_bytes)} together. ${settings.acks === "0" ? "Sent" : "Acknowledged"} after ${m.acknowledged.p50} ms in the median, ` +
    `${m.acknowledged.p99} ms at p99; polled after ${m.polled.p50} ms and ${m.polled.p99} ms. Batches closed because: ${because(m.batches)}.` +
    (m.blocked_ms ? ` The program was late for ${whole(m.blocked_ms)} ms: ${lateWords(m)}.` : "");
}

export function inWords({ story }) {
  const names = story.differ;
  return [headline(story).replaceAll("`", ""), ...sidesOf(story).map(side => sideWords(side, names))].join("\n");
}

// With linger.ms 0 a batch is closed when it is opened, if a request may leave: no sign for that.
const isAtOnce = ({ why, opened, closed }) => why === "linger" && closed - opened < 100;

// A batch from its first record to the last poll.
function batchWords(side, batch) {
  const wire = batch.wire < batch.size ? ` (${sizeText(batch.wire)} on the wire)` : "", waited = batch.sent - batch.closed, worked = batch.left - batch.sent;
  const parts = [`${side.label}, batch ${batch.index + 1}: ${whichRecords(batch.first, batch.count)}, ${sizeText(batch.size)}${wire}.`,
    isAtOnce(batch) ? "Closed at once, linger.ms is 0." : `Open for ${ms(batch.closed - batch.opened)}, closed because: ${BECAUSE[batch.why] ?? batch.why}.`];
  if (waited > 100) parts.push(`Waited ${ms(waited)} for a slot.`);
  if (worked > 100) parts.push(`Its machine took ${ms(worked)} to ${side.settings.compression_type === "none" ? "" : "compress and "}send it.`);
  parts.push(side.settings.acks === "0" ? `Sent at ${ms(batch.left)}, never acknowledged.`
    : `In flight ${ms(batch.acked - batch.left)}, ${ms(batch.answered - batch.arrived)} of it at the broker; acknowledged at ${ms(batch.acked)}.`);
  if (batch.fetch?.parked != null) parts.push(`Its fetch was parked for ${ms(batch.fetch.answered - batch.fetch.parked)} (${batch.fetch.why}).`);
  if (batch.polled !== undefined) parts.push(`Polled at ${ms(batch.polled)}.`);
  return parts.join(" ");
}

// What stands where at an instant.
function momentWords(story, sides, time, end) {
  const arrived = story.arrivals.filter(at => at <= time).length;
  const told = sides.map(({ label, batches, polls, settings }) => {
    const gone = batches.filter(batch => batch.left <= time), acked = batches.filter(batch => batch.acked <= time);
    const polled = polls.filter(poll => poll.at <= time).at(-1)?.end ?? 0, last = polls.at(-1);
    const rest = time >= end && last?.at > end ? `, the last at ${ms(last.at)}` : "";
    const heard = settings.acks === "0" ? "none acknowledged" : `${acked.reduce((sum, batch) => sum + batch.count, 0)} acknowledged`;
    return `${label}: ${plural(gone.length, "request")} sent, ${heard}, ${polled} polled${rest}`;
  });
  return `${ms(time)}: ${arrived} of ${plural(story.arrivals.length, "record")} arrived. ${told.join(". ")}.`;
}
