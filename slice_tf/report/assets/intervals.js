// Points with their intervals: one row in a table, all rows in a dot plot.

// The range that holds all intervals, a little wider, and `more`.
function rangeOf(metrics, unit, more = []) {
  const values = [...more];
  for (const one of metrics.filter(judged))
    values.push(scaled(one.low, unit), scaled(one.high, unit));
  if (!values.length) return [0, 1];
  const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  const room = (high - low || 1) * 0.04;
  return [low - room, high + room];
}

const dot = (style) => (x, y) => s("circle", { cx: x, cy: y, r: 4, class: style });

const diamond = (x, y) =>
  s("path", { d: `M${x - 4.5} ${y}L${x} ${y - 4.5}L${x + 4.5} ${y}L${x} ${y + 4.5}Z`, class: "other" });

// An interval with its point; hollow and faint where there are too few.
function mark(metric, unit, x, y, tone = "") {
  if (!metric || metric.value === null) return null;
  const few = metric.status !== "ok";
  const style = few ? "dot hollow" : `dot ${tone}`;
  const at = (value) => x.clamped(scaled(value, unit));
  return s("g", {},
    metric.low !== null && metric.low !== undefined &&
      line(at(metric.low), y, at(metric.high), y, { class: few ? "whisker faint" : `whisker ${tone}` }),
    dot(style)(at(metric.value), y));
}

// A row's glyph in a table; all rows of a column share `x`.
function glyph(metric, unit, x, { reference = null, tone = "" } = {}) {
  return s("svg", {
    class: "glyph", width: x.range[1] + 6, height: 20, "aria-hidden": "true",
    viewBox: `0 0 ${x.range[1] + 6} 20`,
  },
  reference !== null && line(x.clamped(reference), 0, x.clamped(reference), 20, { class: "reference" }),
  mark(metric, unit, x, 10, tone));
}

// The numbers under which the glyphs of a column stand.
function glyphAxis(x, unit) {
  return s("svg", {
    class: "glyph", width: x.range[1] + 6, height: 20, "aria-hidden": "true",
    viewBox: `0 0 ${x.range[1] + 6} 20`,
  },
  ticks(x.domain, 2).map((value) => [
    text(x(value), 11, tickText(value), { class: "tick", "text-anchor": "middle" }),
    line(x(value), 15, x(value), 20, { class: "tickmark" }),
  ]));
}

const ROW = 19;

// Rows: {name, metric, other, tone}; `other` is a second point, such as the
// baseline's.
function dotPlot(title, rows, unit, axis, { reference = null, referenceName, names } = {}) {
  const width = figureWidth(1160);
  const longest = Math.max(4, ...rows.map((row) => cutName(row.name, 26).length));
  const left = Math.min(CHARACTER * longest + 14, width * 0.42);
  const others = rows.map((row) => row.other).filter((one) => one && one.value !== null);
  const more = [
    ...(reference === null ? [] : [reference]),
    ...others.map((one) => scaled(one.value, unit)),
  ];
  const metrics = rows.map((row) => row.metric).filter(Boolean);
  const x = scale(rangeOf(metrics, unit, more), [left, width - 14]);
  const entries = [
    [(a, b) => s("g", {}, line(a - 9, b, a + 9, b, { class: "whisker" }), dot("dot")(a, b)), names[0]],
  ];
  if (metrics.some((one) => one.status === "too few")) entries.push([dot("dot hollow"), "too few"]);
  if (others.length) entries.push([diamond, names[1]]);
  if (reference !== null)
    entries.push([(a, b) => line(a, b - 7, a, b + 7, { class: "reference" }), referenceName]);
  const [key, high] = legend(0, 36, width, entries);
  const isLong = rows.length > 30; // Its lower end is off the screen.
  const top = 36 + high + (isLong ? 14 : 0);
  const bottom = top + ROW * rows.length + 4;
  return picture(width, bottom + 40, title, key,
    bottomAxis(x, top, bottom, axis, { count: width < 500 ? 3 : 6, above: isLong }),
    reference !== null && line(x(reference), top, x(reference), bottom, { class: "reference" }),
    rows.map((row, i) => {
      const y = top + ROW * (i + 0.5) + 2;
      return s("g", {},
        s("title", {}, `${row.name}: ${plain(row.metric?.value, unit)} (${interval(row.metric ?? {}, unit)})`),
        text(left - 10, y + 4, cutName(row.name, Math.floor((left - 12) / CHARACTER)), { class: "label", "text-anchor": "end" }),
        mark(row.metric, unit, x, y, row.tone),
        row.other && row.other.value !== null && diamond(x.clamped(scaled(row.other.value, unit)), y));
    }));
}
