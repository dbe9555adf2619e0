// A slice over days or hours: its value, its interval, and what it was.

const LOOK = { moved: "dot down", steady: "dot", "too few": "dot hollow" };

// Of days of one year, the year says nothing.
const startText = (start) => start.slice(5).replace("T", " ") + (start.length > 10 ? "h" : "");

// Windows under the axis: as many as there is room for, the last among them.
function windowAxis(x, bottom, starts) {
  const step = Math.ceil((starts.length * 62) / (x.range[1] - x.range[0] + 62));
  return s("g", {}, starts.map((start, i) => (starts.length - 1 - i) % step === 0 && [
    line(x(i), bottom, x(i), bottom + 4, { class: "tickmark" }),
    text(x(i), bottom + 17, startText(start), { class: "tick", "text-anchor": "middle" }),
  ]));
}

// The interval as an area; it breaks where a window tells nothing.
function bands(changes, x, at) {
  const runs = [[]];
  changes.forEach((one, i) => (one.value === null ? runs.push([]) : runs.at(-1).push(i)));
  return runs.filter((run) => run.length).map((run) => {
    const lows = run.map((i) => `${x(i).toFixed(1)} ${at(changes[i].low).toFixed(1)}`);
    const highs = run.map((i) => `${x(i).toFixed(1)} ${at(changes[i].high).toFixed(1)}`);
    const middle = run.map((i) => `${x(i).toFixed(1)} ${at(changes[i].value).toFixed(1)}`);
    return [s("path", { class: "band", d: `M${[...highs, ...lows.reverse()].join("L")}Z` }),
      s("path", { class: "course", d: `M${middle.join("L")}` })];
  });
}

// One quantity of a slice; the upright line is where its last change began.
function linePlot(title, starts, changes, unit) {
  const told = changes.filter((one) => one.value !== null);
  const width = figureWidth(540);
  const [left, top, high] = [50, 34, 96];
  const bottom = top + high;
  const reference = changes.at(-1).reference;
  // What too few tell must not press the rest flat.
  const sure = told.filter((one) => one.verdict !== "too few");
  const metrics = (sure.length ? sure : told).map((one) => ({ ...one, status: "ok" }));
  const more = reference === null ? [] : [scaled(reference, unit)];
  const y = scale(rangeOf(metrics, unit, more), [bottom, top]);
  const x = scale([0, starts.length - 1], [left + 8, width - 26]);
  const at = (value) => y.clamped(scaled(value, unit));
  const since = sure.at(-1)?.since;
  return picture(width, bottom + 26, title,
    leftAxis(y, left, width - 8, "", { count: 3 }),
    since && line(x(starts.indexOf(since)), top, x(starts.indexOf(since)), bottom, { class: "begun" }),
    bands(changes, x, at),
    reference !== null && line(left, at(reference), width - 8, at(reference), { class: "reference" }),
    changes.map((one, i) => one.value !== null && s("g", {},
      s("title", {}, `${starts[i]}: ${plain(one.value, unit)} (${interval(one, unit)}), ${one.verdict}`),
      s("circle", { cx: x(i), cy: at(one.value), r: starts.length > 60 ? 2 : 3.5, class: LOOK[one.verdict] }))),
    windowAxis(x, bottom, starts));
}
