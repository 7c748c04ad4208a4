// The search that a broker makes in a partition's directory, step by step, over columns.
//
//     file names ─► .timeindex ─► .index ─► headers in the .log ─► batch
//     bisect        bisect        bisect    hop by hop             (its records, for a timestamp)
//
// The same probes as Log.read, Log.offset_for_timestamp and SparseIndex.slot_of (log/), each as a
// step with its words and the bytes that it looks at. `recovery` is what a start after a crash does.

const HEADER_BYTES = 61, FEW_HOPS = 6, FEW_FILES = 6;
const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"];

const bytesText = n => `${thousands(n)} B`;
const counted = (count, one, more) => `${count} ${count === 1 ? one : more}`;
const batchesText = count => counted(count, "batch", "batches");
const spanOf = batch => span(batch.base, batch.last + 1);

// A record's time: seconds where a run begins at 0, the time of day (UTC) where it is a real one.
function timeWords(ms, isShort = false) {
  if (ms < 0) return "no time";
  if (ms < 1e11) return `${(ms / 1000).toFixed(3)} s`;
  if (ms > 8e15) return `${ms} ms`;
  const text = new Date(ms).toISOString();
  return isShort ? text.slice(11, 23) : `${text.slice(0, 10)} ${text.slice(11, 23)}`;
}

// The same where there is less room: a time of day without its hours, without its minutes.
function timeWordings(ms) {
  const words = timeWords(ms, true);
  return words.includes(":") ? [0, 3, 6].map(skip => words.slice(skip)) : [words, words.replace(/\.0+ s$/, " s")];
}

// ---- columns to things ---------------------------------------------------------------------------

function summed(differences) {
  let sum = 0;
  return differences.map(each => sum += each);
}

// Segments with their batches and entries as objects.
function opened(directory) {
  const segments = directory.segments.map((s, at) => {
    const [offsets, positions] = s.index.map(summed), [times, relatives] = s.time_index.map(summed);
    const segment = { ...s, at, batches: batchesOf(s),
      index: offsets.map((relative, i) => ({ key: s.base + relative, relative, to: positions[i] })),
      time_index: times.map((time, i) => ({ key: time, relative: relatives[i], to: s.base + relatives[i] })) };
    segment.isWhole = s.begin === 0 && s.end === s.log_bytes; // read from its first byte to its last
    segment.hasTail = Boolean(s.damage) && s.end < s.log_bytes && s.end >= s.damage.position; // no batch begins there
    const noted = segment.isWhole ? -1 : segment.time_index.at(-1)?.key ?? -1;
    segment.largest = segment.batches.reduce((most, batch) => Math.max(most, batch.max_timestamp), noted);
    segment.index.forEach(entry => { entry.lie = lieOf(segment, entry); });
    return segment;
  });
  return { ...directory, segments };
}

function batchesOf(s) {
  const columns = Object.entries(s.batches);
  let position = s.begin;
  return s.batches.base_offset.map((base, i) => {
    const batch = Object.fromEntries(columns.map(([name, values]) => [name, values[i]]));
    Object.assign(batch, { i, position, base, size: batch.batch_length + 12, last: base + batch.last_offset_delta,
      codec: CODECS[batch.attributes & 7] ?? "unknown codec", isControl: (batch.attributes & 32) > 0,
      bad: s.bad[i] ?? "", records: s.records[i] ?? null });
    position += batch.size;
    return batch;
  });
}

// The batch that begins at this byte; -1 where none does, or none was read.
function batchAt(segment, position) {
  const { batches } = segment;
  let low = 0, high = batches.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (batches[middle].position < position) low = middle + 1; else high = middle;
  }
  return batches[low]?.position === position ? low : -1;
}

// What is wrong with an index entry, as a lookup would notice it.
function lieOf(segment, entry) {
  if (entry.to < 0 || entry.to > segment.log_bytes)
    return `points to byte ${thousands(entry.to)}, the file ends at ${thousands(segment.log_bytes)}`;
  if (segment.hasTail && entry.to >= segment.end) return "points into what is torn";
  if (entry.to < segment.begin || entry.to >= segment.end) return "";
  const batch = segment.batches[batchAt(segment, entry.to)];
  if (!batch) return `no batch begins at byte ${thousands(entry.to)}`;
  return batch.base > entry.key ? `the batch at byte ${thousands(entry.to)} begins with ${batch.base}` : "";
}

// ---- steps -----------------------------------------------------------------------------------------

class Steps {
  constructor(directory) { this.d = directory; this.steps = []; this.segment = -1; }
  say(part, kind, words, more = {}) {
    this.steps.push({ part, kind, words, segment: this.segment, read: 0, ...more });
  }
  done(found, outcome) {
    return { steps: this.steps, found, outcome, segment: this.segment,
      read: this.steps.reduce((sum, step) => sum + step.read, 0) };
  }
}

// Which file: Python's bisect over the first offsets, which the broker has in memory.
function byName(run, offset) {
  const { segments } = run.d;
  let low = 0, high = segments.length;
  while (low < high) {
    const middle = (low + high) >> 1, { base } = segments[middle], isRight = base <= offset;
    const compared = `${base} ${isRight ? "≤" : ">"} ${offset}`;
    run.say("names", "probe", `${fileName(base)}: ${compared}, look ${isRight ? "right" : "left"}`,
      { low, high, middle, brief: compared });
    if (isRight) low = middle + 1; else high = middle;
  }
  return low - 1;
}

// The last entry whose key is at most `target`; -1 if none is (SparseIndex.slot_of).
function slotOf(run, segment, which, target) {
  const entries = segment[which], isTime = which === "time_index", count = entries.length;
  const words = key => isTime ? timeWords(key, true) : `${key}`;
  let low = 0, high = count;
  if (!count) run.say(which, "empty", segment[`${which}_bytes`] < 0
    ? "There is no such file: from the first batch on" : "No entry yet: from the first batch on");
  while (low < high) {
    const middle = (low + high) >> 1, { key } = entries[middle], isRight = key <= target;
    const compared = `${words(key)} ${isRight ? "≤" : ">"} ${words(target)}`;
    run.say(which, "probe", `entry ${middle + 1} of ${count}: ${compared}, look ${isRight ? "right" : "left"}`,
      { low, high, middle, brief: compared, read: isTime ? 12 : 8 });
    if (isRight) low = middle + 1; else high = middle;
  }
  return low - 1;
}

// The first batch that reaches `offset`, from where the index says on (Segment.find). Returns its
// number, -1 when all end before it, -2 when that cannot be said.
function find(run, segment, offset) {
  const slot = slotOf(run, segment, "index", offset), entry = segment.index[slot];
  let position = entry ? entry.to : 0;
  run.say("index", "jump", entry
    ? `entry ${slot + 1}: the batch that ends with ${entry.key} is at byte ${thousands(position)}: go there`
    : "no entry before it: begin at byte 0", { slot, position, brief: `byte ${thousands(position)}` });
  if (entry?.lie) {
    position = 0;
    run.say("index", "lie", `The entry lies: ${entry.lie}. Both indexes are made anew from the headers, and it begins again`,
      { slot, brief: "the entry lies", position });
  }
  if (position >= segment.log_bytes) return -1;
  let at = batchAt(segment, position);
  if (at < 0) return unread(run, segment, position);
  const first = at;
  while (at < segment.batches.length && segment.batches[at].last < offset) at++;
  hops(run, segment, first, at, batch => `${spanOf(batch)} ends before ${offset}`,
    batch => `${batch.last} < ${offset}`);
  if (at < segment.batches.length) return at;
  return segment.end < segment.log_bytes ? unread(run, segment, segment.end) : -1;
}

function unread(run, segment, position) {
  const { damage } = segment, isBroken = damage && damage.position <= position;
  run.say("log", isBroken ? "broken" : "unread", isBroken
    ? `Byte ${thousands(damage.position)}: ${damage.reason}. The answer is CORRUPT_MESSAGE`
    : `The headers from byte ${thousands(position)} on were not read for this picture`, { position });
  return -2;
}

// From header to header over batches first..end-1; many in the middle are one step.
function hops(run, segment, first, end, why, brief) {
  const hop = (from, until) => {
    const batch = segment.batches[from], count = until - from;
    run.say("log", "hop", count === 1 ? `${why(batch)}: hop over its ${bytesText(batch.size)}`
      : `the next ${count} batches end before it, too`,
    { batch: from, until, brief: count === 1 ? brief(batch) : "", read: HEADER_BYTES * count });
  };
  const stops = end - first <= FEW_HOPS ? Array.from({ length: end - first + 1 }, (_, i) => first + i)
    : [first, first + 1, first + 2, end - 2, end - 1, end];
  for (let i = 1; i < stops.length; i++) hop(stops[i - 1], stops[i]);
}

// ---- the three questions ------------------------------------------------------------------------------

function searchOffset(directory, offset) {
  const run = new Steps(directory), { log_start, log_end, segments } = directory;
  if (offset < log_start || offset > log_end) {
    const holds = log_end > log_start ? `The log holds ${log_start} to ${log_end - 1}` : "The log holds no record";
    const behind = directory.cut && offset > log_end ? ", what stands behind is cut at the next start" : "";
    run.say("names", "out", `${holds}${behind}: OFFSET_OUT_OF_RANGE`,
      { brief: "OFFSET_OUT_OF_RANGE" });
    return run.done(null, `out of range: the log begins at ${log_start} and ends at ${log_end}`);
  }
  if (offset === log_end) {
    run.say("names", "end", `${offset} is the log end: the next record gets it. A consumer waits here`);
    return run.done(null, `${offset} is the log end, nothing to read yet`);
  }
  for (let at = byName(run, offset); at < segments.length; at++) {
    run.segment = at;
    const isNext = run.steps.some(step => step.kind === "next");
    const why = isNext ? "all that comes next is there" : "the last name that is not larger";
    run.say("names", "file", `so in ${fileName(segments[at].base)}: ${why}`,
      { low: at, high: at + 1, middle: at, brief: fileName(segments[at].base) });
    const found = find(run, segments[at], offset);
    if (found === -2) return run.done(null, run.steps.at(-1).words);
    if (found >= 0) return offsetFound(run, segments[at], segments[at].batches[found], offset);
    run.say("names", "next", `${fileName(segments[at].base)}: nothing here reaches ${offset}, on to the next file`,
      { low: at, high: at + 1, middle: at, brief: "on to the next file" });
  }
  return run.done(null, `nothing reaches ${offset}`);
}

function offsetFound(run, segment, batch, offset) {
  const holds = batch.base > offset
    ? `${offset} is gone (compacted); the next one left is in ${spanOf(batch)}`
    : `${spanOf(batch)} holds ${offset}`;
  const bad = batch.bad ? ` The broker does not look inside; a consumer refuses it: ${batch.bad}` : "";
  run.say("log", "found", `${holds}: read from byte ${thousands(batch.position)} on.${bad}`,
    { batch: batch.i, read: HEADER_BYTES });
  return run.done({ segment: segment.at, batch: batch.i, position: batch.position, base_offset: batch.base, offset },
    `${fileName(segment.base)}, byte ${thousands(batch.position)}`);
}

function searchTimestamp(directory, timestamp) {
  const segments = staying(directory), target = timeWords(timestamp, true);
  const run = new Steps({ ...directory, segments });
  for (let at = 0; at < segments.length; at++) {
    let until = at;
    while (until < segments.length && segments[until].largest < timestamp) until++;
    older(run, at, until, target);
    if (until === segments.length) break;
    at = run.segment = until;
    const segment = segments[at];
    const compared = `${timeWords(segment.largest, true)} ≥ ${target}`;
    run.say("names", "file", `${fileName(segment.base)}: its youngest record: ${compared}`,
      { low: at, high: at + 1, middle: at, brief: compared, read: 12 });
    const found = inSegment(run, segment, timestamp);
    if (found) return found;
    run.say("names", "next", `${fileName(segment.base)}: none that can be read is young enough`,
      { low: at, high: at + 1, middle: at, brief: "none here" });
  }
  run.say("names", "end", `No record is of ${target} or later: the answer is no offset (-1)`);
  return run.done(null, `no record of ${target} or later`);
}

// The files without what the next start cuts: who looks for a time finds nothing there.
function staying({ segments, cut, is_set_aside }) {
  if (is_set_aside) return [];
  if (!cut) return segments;
  const last = segments[cut.segment], batches = last.batches.filter(batch => batch.position < cut.position);
  const largest = batches.reduce((most, batch) => Math.max(most, batch.max_timestamp), last.begin > 0 ? last.largest : -1);
  const end = Math.min(last.end, cut.position);
  return [...segments.slice(0, cut.segment), { ...last, batches, largest, end, log_bytes: cut.position }];
}

function older(run, from, until, target) {
  const { segments } = run.d, skip = (a, b) => run.say("names", "skip", b === a + 1
    ? `${fileName(segments[a].base)}: its youngest record: ${timeWords(segments[a].largest, true)} < ${target}`
    : `${b - a} files from ${fileName(segments[a].base)} on end before ${target}`,
  { low: a, high: b, middle: (a + b - 1) / 2, read: 12 * (b - a),
    brief: b === a + 1 ? `${timeWords(segments[a].largest, true)} < ${target}` : `${b - a} files end before` });
  if (until - from <= FEW_FILES) for (let at = from; at < until; at++) skip(at, at + 1);
  else skip(from, until);
}

function inSegment(run, segment, timestamp) {
  const slot = slotOf(run, segment, "time_index", timestamp), entry = segment.time_index[slot];
  const start = Math.max(entry ? entry.to : segment.base, run.d.log_start);
  run.say("time_index", "jump", entry
    ? `entry ${slot + 1}: up to offset ${entry.to} nothing is younger than ${timeWords(entry.key, true)}: go on at ${start}`
    : `no entry before it: from offset ${start} on`, { slot, brief: `offset ${start}` });
  let at = find(run, segment, start);
  const trusted = entry && at >= 0 ? trusts(run, segment, entry, slot) : true;
  if (!trusted) at = segment.batches.length ? 0 : -1;
  if (at === -2) return run.done(null, run.steps.at(-1).words);
  for (; at >= 0 && at < segment.batches.length; at++) {
    const first = at;
    while (at < segment.batches.length && segment.batches[at].max_timestamp < timestamp) at++;
    hops(run, segment, first, at, batch => `${spanOf(batch)} ends before that time`, () => "too old");
    if (at === segment.batches.length) break;
    const found = timeFound(run, segment, segment.batches[at], timestamp);
    if (found) return found;
  }
  if (segment.end < segment.log_bytes && unread(run, segment, segment.end)) return run.done(null, run.steps.at(-1).words);
  return null;
}

// The time entry must be that of the batch which holds its offset (Segment._trusted_time_entry).
function trusts(run, segment, entry, slot) {
  const holder = segment.batches.find(batch => batch.last >= entry.to);
  if (!segment.isWhole || holder?.max_timestamp === entry.key) return true;
  run.say("time_index", "lie",
    "The entry lies: no batch with that time holds its offset. Both indexes are made anew from the headers",
    { slot, brief: "the entry lies" });
  return false;
}

function timeFound(run, segment, batch, timestamp) {
  if (batch.bad) {
    run.say("log", "broken", `${spanOf(batch)}: ${batch.bad}. The answer is CORRUPT_MESSAGE`,
      { batch: batch.i, position: batch.position });
    return run.done(null, "the batch cannot be read");
  }
  const record = batch.records?.find(([offset, time]) => time >= timestamp && offset >= run.d.log_start);
  if (batch.records && !record) {
    run.say("log", "hop", `${spanOf(batch)} has none at or after the log start`,
      { batch: batch.i, until: batch.i + 1, read: batch.size });
    return null;
  }
  const what = record ? `${record[0]} is the first of that time or later` : "one of them is it";
  const records = plural(batch.record_count, "record");
  run.say("log", "found", `${spanOf(batch)} goes up to ${timeWords(batch.max_timestamp, true)}: read its ${records}; ${what}`,
    { batch: batch.i, read: batch.size });
  return run.done({ segment: segment.at, batch: batch.i, position: batch.position, base_offset: batch.base,
    offset: record?.[0] ?? null, timestamp: record?.[1] ?? null },
  record ? `offset ${record[0]}` : `in ${spanOf(batch)}`);
}

// What a start does with a log that was not closed: check each byte that was not flushed, and cut.
function recovery(directory) {
  const run = new Steps(directory), { segments, cut, checked_from, recovery_point, log_end } = directory;
  if (!segments.length) {
    run.say("names", "end", "No file: the log begins empty at offset 0");
    return run.done(null, "nothing to recover");
  }
  run.segment = cut ? cut.segment : segments.length - 1;
  const name = fileName(segments[checked_from].base);
  const row = at => ({ low: at, high: at + 1, middle: at });
  const why = directory.was_closed ? `Closed cleanly: only whether ${name} ends with a whole batch is looked at`
    : recovery_point === null ? "No checkpoint says what was flushed: every file is checked, byte by byte"
      : `Flushed up to ${recovery_point}: checked is all from ${name} on`;
  run.say("names", "point", why, { ...row(checked_from), brief: `from ${name} on` });
  wholeFiles(run, checked_from, cut ? cut.segment : directory.was_closed ? checked_from : segments.length);
  if (cut) cutting(run, segments[cut.segment], cut, row(cut.segment));
  const next = cut ? ": the next record gets this offset, and the indexes are made anew" : ", nothing is cut";
  run.say("names", "end", run.d.is_set_aside
    ? `All that is left lies below the log start: the files are moved aside, the log is empty and ends at ${log_end}`
    : `The log ends at ${log_end}${next}`, { brief: `it ends at ${log_end}` });
  const lost = cut ? `${bytesText(cut.lost_bytes)} cut` : "nothing is damaged";
  return run.done(null, `${lost}, the log ends at ${log_end}`);
}

// The files that are checked and have nothing wrong with them; many are one step.
function wholeFiles(run, first, end) {
  const { segments } = run.d;
  const fits = (from, until) => {
    const name = fileName(segments[from].base), read = segments.slice(from, until).reduce((sum, s) => sum + s.log_bytes, 0);
    run.say("names", "fits", until === from + 1
      ? `${name}: ${batchesText(segments[from].batches.length)}, whole, in order, each CRC fits`
      : `${until - from} files from ${name} on: each CRC fits`,
    { low: from, high: until, middle: (from + until - 1) / 2, brief: "each CRC fits", read });
  };
  if (end - first > FEW_FILES) fits(first, end);
  else for (let at = first; at < end; at++) fits(at, at + 1);
}

function cutting(run, segment, cut, row) {
  const good = segment.batches.filter(batch => batch.position < cut.position).length, at = thousands(cut.position);
  const left = segment.log_bytes - cut.position, later = run.d.segments.length - cut.segment - 1;
  if (good)
    run.say("names", "fits", `${batchesText(good)} up to byte ${at}: each CRC fits`,
      { ...row, brief: "each CRC fits", batch: 0, until: good, read: cut.position });
  run.say("names", "broken", `Byte ${at}: ${cut.reason}`,
    { ...row, brief: "damaged", position: cut.position, batch: good, read: Math.min(HEADER_BYTES, left) });
  const gone = [...(left ? [bytesText(left)] : []), ...(later ? [plural(later, "later file")] : [])].join(" and ");
  run.say("names", "cut", `Cut at byte ${at}: ${gone} ${left + later > 1 ? "go" : "goes"}`,
    { ...row, brief: "cut here" });
}

function ask(directory, by, value) {
  if (by === "recovery") return recovery(directory);
  return by === "timestamp" ? searchTimestamp(directory, value) : searchOffset(directory, value);
}

// What QuickJS is asked for: the steps, without a picture.
export function told({ story, by, value }) { return ask(opened(story), by, value); }
