// What slicing functions said: how much they cover, and what they share.

const MAP_SLICES = 40; // More would not be read.
const BARS = 60;

const shared = () => SUMMARY?.overlap ?? R.overlap;

const alike = (cells, i, j) => {
  const union = cells[i][i] + cells[j][j] - cells[i][j];
  return union ? cells[i][j] / union : 0;
};

function pairs() {
  const cells = shared();
  const found = [];
  for (let i = 0; i < SLICES.length; i += 1)
    for (let j = i + 1; j < SLICES.length; j += 1)
      if (cells[i][j] > 0) found.push({ i, j, both: cells[i][j], alike: alike(cells, i, j) });
  return found.sort((a, b) => b.alike - a.alike);
}

// Slices that overlap most, in the schema's order.
function mapped(all) {
  if (SLICES.length <= MAP_SLICES) return SLICES.map((_, i) => i);
  const found = new Set();
  for (const { i, j } of all) {
    if (found.size > MAP_SLICES - 2) break;
    found.add(i).add(j);
  }
  return [...found].sort((a, b) => a - b);
}

function overlapMap(all) {
  const cells = shared();
  const rows = mapped(all);
  const width = figureWidth(760);
  const longest = Math.max(...rows.map((i) => cutName(SLICES[i].name, 20).length));
  const left = Math.min(CHARACTER * longest + 14, width * 0.36);
  const size = Math.min(34, (width - left - 4) / rows.length);
  const top = 28 + Math.min(left, CHARACTER * longest + 14);
  const short = (i) => cutName(SLICES[i].name, Math.floor((left - 10) / CHARACTER));
  return picture(Math.max(width * 0.6, left + size * rows.length + 4), top + size * rows.length + 6, "Share of two slices’ union that is in both, %",
    size >= 9 && rows.map((i, at) => [
      text(left - 8, top + (at + 0.5) * size + 4, short(i), { class: "label", "text-anchor": "end" }),
      text(0, 0, short(i), { class: "label", transform: `translate(${left + (at + 0.5) * size + 4} ${top - 6}) rotate(-90)` }),
    ]),
    rows.map((i, row) => rows.map((j, column) => {
      const part = i === j ? null : alike(cells, i, j);
      const [x, y] = [left + column * size, top + row * size];
      return [
        s("rect", { x: x + 0.5, y: y + 0.5, width: size - 1, height: size - 1, rx: 2,
          class: part === null ? "cell self" : "cell right", "fill-opacity": part === null ? 1 : part > 0 ? 0.1 + 0.9 * part : 0.03 },
        s("title", {}, `${SLICES[i].name} and ${SLICES[j].name}: ${whole(cells[i][j])} in both`)),
        size >= 26 && part > 0 && text(x + size / 2, y + size / 2 + 4, (100 * part).toFixed(0),
          { class: part > 0.55 ? "count on" : "count", "text-anchor": "middle" }),
      ];
    })));
}

function coveragePlot(votes, total) {
  const width = figureWidth(1160);
  const rows = votes.slice().sort((a, b) => b.size - a.size).slice(0, BARS);
  const left = Math.min(width * 0.42, 14 + CHARACTER * Math.max(...rows.map((one) => cutName(one.name, 26).length)));
  const most = Math.max(...rows.map((one) => (100 * (one.size + one.unknown)) / total), 1);
  const x = scale([0, most * 1.02], [left, width - 46]);
  const [key, taken] = legend(0, 36, width, [[swatch("bar"), "in the slice"], ...(rows.some((one) => one.unknown) ? [[swatch("part few"), "unknown"]] : [])]);
  const top = 36 + taken;
  const bottom = top + ROW * rows.length + 4;
  return picture(width, bottom + 40, "How much each slice covers", key,
    bottomAxis(x, top, bottom, "share of examples, %", { count: width < 500 ? 3 : 6 }),
    rows.map((one, i) => {
      const y = top + ROW * i + 4;
      const [end, last] = [x((100 * one.size) / total), x((100 * (one.size + one.unknown)) / total)];
      return [
        text(left - 10, y + 11, cutName(one.name, Math.floor((left - 12) / CHARACTER)), { class: "label", "text-anchor": "end" }),
        s("rect", { x: left, y, width: end - left, height: 13, rx: 1, class: "bar" },
          s("title", {}, `${one.name}: ${whole(one.size)} examples, ${whole(one.unknown)} unknown`)),
        one.unknown > 0 && s("rect", { x: end, y, width: Math.max(1, last - end), height: 13, class: "part few" }),
        text(last + 5, y + 11, whole(one.size), { class: "tick" }),
      ];
    }));
}

function pairTable(all) {
  const cells = shared();
  const rows = all.slice(0, 15).map(({ i, j, both, alike: value }) => {
    const inner = Math.max(both / (cells[i][i] || 1), both / (cells[j][j] || 1));
    const what = value >= 0.9 ? "nearly one slice" : inner >= 0.95 ? "one holds the other" : "";
    return [[sliceLink(SLICES[i].name), " and ", sliceLink(SLICES[j].name)], whole(both), share(value), meter(value), what];
  });
  return simpleTable(["Slices", "In both", "Of the union", "", "Note"], rows, "Slices that overlap most");
}

function learnedTable() {
  const rows = SLICES.filter((one) => one.indicator)
    .sort((a, b) => (a.indicator.value ?? 2) - (b.indicator.value ?? 2)).slice(0, BARS);
  const of = (one, name, unit = "%") => numberCell(one.indicator_quality?.[name], unit);
  return simpleTable(["Slice", "Area under ROC", "Precision, %", "Recall, %", "Agreement, %"],
    rows.map((one) => [sliceLink(one.name), numberCell(one.indicator, ""), of(one, "precision"), of(one, "recall"), of(one, "agreement")]), "Learned indicators");
}

// Where functions failed; what they raised is in the job's errors.jsonl.
function failures(votes, total) {
  const rows = votes.filter((one) => one.unknown > 0).sort((a, b) => b.unknown - a.unknown);
  return [
    simpleTable(["Slice", "Unknown", "Of all examples", ""], rows.slice(0, BARS).map((one) =>
      [sliceLink(one.name), whole(one.unknown), share(one.unknown / total), meter(one.unknown / total)]), "Failures"),
    SUMMARY && h("p", { class: "key" }, "What they raised, and where, is in ", h("span", { class: "code" }, "errors.jsonl"), " beside the sliced data."),
  ];
}

// What asking each function took, the dearest first.
function costTable(costs) {
  const rows = Object.entries(costs).sort((a, b) => b[1] - a[1]);
  const total = sum(rows.map((row) => row[1])) || 1;
  return [
    simpleTable(["Slice", "µs an example", "Of all functions", ""], rows.slice(0, BARS).map(([name, value]) =>
      [sliceLink(name), value.toFixed(1), share(value / total), meter(value / total)]), "Costs"),
    h("p", { class: "key" }, `All functions take ${duration(total)} for a million examples on one process. What functions share, such as a parsed feature or a preprocessor, counts for the first that asks for it.`),
  ];
}

// Microseconds an example are seconds for a million.
const duration = (seconds) =>
  seconds < 100 ? `${Number(seconds.toPrecision(2))} s`
    : seconds < 6000 ? `${(seconds / 60).toFixed(0)} minutes` : `${Number((seconds / 3600).toPrecision(2))} hours`;

function auditOf(summary) {
  const value = (one) => (!one || one.value === null ? NOTHING
    : [h("b", {}, plain(one.value, "%")), " ", h("small", {}, `${plain(one.interval[0], "%")} to ${plain(one.interval[1], "%")}; ${whole(one.hits)} of ${whole(one.total)}`)]);
  return simpleTable(["Slice", "Precision, %", "Recall, %"], Object.entries(summary.audit)
    .map(([name, one]) => [name, value(one.precision), value(one.recall)]), "Audit by people");
}

function functionsPage() {
  const votes = SUMMARY?.slices ?? SLICES;
  const total = Math.max(1, SUMMARY?.num_examples ?? R.data.num_examples);
  const all = shared() ? pairs() : [];
  return [
    h("h1", {}, "What slicing functions said"),
    h("p", { class: "lead" }, SUMMARY
      ? `Of the ${whole(total)} examples they were applied to, ${whole(SUMMARY.any ?? 0)} are in at least one slice and ${whole(SUMMARY.none ?? 0)} in none.`
      : `Of the ${whole(total)} evaluated examples.`,
      SUMMARY?.bad_records > 0 && ` ${whole(SUMMARY.bad_records)} damaged records were left out.`),
    SLICES.length > 0 && figure("coverage", coveragePlot(votes, total),
      votes.length > BARS && `The ${BARS} largest of ${whole(votes.length)}; the overview has the sizes of all.`),
    votes.some((one) => one.unknown > 0) && part("Failures", failures(votes, total)),
    SUMMARY?.microseconds && part("Costs", costTable(SUMMARY.microseconds)),
    all.length > 0 && part("Overlap", figure("overlap", overlapMap(all),
      SLICES.length > MAP_SLICES ? `The ${mapped(all).length} slices that overlap most. Shade: from 0 to 100 %.` : "Shade: from 0 to 100 %; on hover: examples in both."), pairTable(all)),
    SLICES.some((one) => one.indicator) && part("Learned indicators, the weakest first", learnedTable()),
    SUMMARY?.audit && part("Audit by people", auditOf(SUMMARY)),
  ];
}
