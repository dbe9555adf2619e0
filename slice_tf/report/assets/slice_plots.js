// What results.json holds of one slice, drawn.

// Shades of a cell go by its share of the row; numbers stand in the cells.
function confusionPlot(one) {
  const cells = one.confusion;
  const classes = cells.length;
  const sums = cells.map(sum);
  const width = figureWidth(520);
  const left = 62;
  const size = Math.min(56, (width - left - 6) / classes);
  const top = 62;
  const body = cells.map((row, i) => row.map((count, j) => {
    const part = sums[i] ? count / sums[i] : 0;
    const [x, y] = [left + j * size, top + i * size];
    return [
      s("rect", {
        x: x + 0.5, y: y + 0.5, width: size - 1, height: size - 1, rx: 2,
        class: i === j ? "cell right" : "cell wrong", "fill-opacity": count ? 0.12 + 0.88 * part : 0.04,
      }, s("title", {}, `label ${i}, predicted ${j}: ${counted(count)} (${share(part)} of the label)`)),
      size >= 20 && count > 0 && text(x + size / 2, y + size / 2 + 4, counted(count),
        { class: part > 0.55 ? "count on" : "count", "text-anchor": "middle" }),
    ];
  }));
  const every = Math.ceil(20 / size);
  const numbers = cells.map((_, i) => i % every === 0 && [
    text(left + (i + 0.5) * size, top - 6, String(i), { class: "tick", "text-anchor": "middle" }),
    text(left - 8, top + (i + 0.5) * size + 4, String(i), { class: "tick", "text-anchor": "end" }),
  ]);
  const middle = top + (classes * size) / 2;
  return picture(width, top + classes * size + 8, `Confusion in ${cutName(one.name)}, ${THINGS}`,
    text(left + (classes * size) / 2, top - 24, "predicted class", { class: "axis", "text-anchor": "middle" }),
    text(0, 0, "label", { class: "axis", "text-anchor": "middle", transform: `translate(24 ${middle}) rotate(-90)` }),
    numbers, body);
}

const scoreName = () =>
  R.num_classes === 2 ? "probability of class 1" : "probability of the predicted class";
const eventName = () => (R.num_classes === 2 ? "label is 1" : "prediction is right");

function calibrationPlot(one) {
  const width = figureWidth(520);
  const size = Math.min(400, width - 60);
  const [left, top] = [46, 66];
  const x = scale([0, 1], [left, left + size]);
  const y = scale([0, 1], [top + size, top]);
  const points = (groups) => groups.filter((group) => group[0] > 0);
  const most = Math.max(1, ...points(one.calibration).map((group) => group[0]));
  const path = (groups) => points(groups)
    .map(([, rate, mean], i) => `${i ? "L" : "M"}${x(mean).toFixed(1)} ${y(rate).toFixed(1)}`).join("");
  const [key] = legend(0, 36, width, [
    [dot("dot"), one === BASE ? "all examples" : `slice; area is ${THINGS}`],
    ...(one === BASE ? [] : [[(a, b) => line(a - 9, b, a + 9, b, { class: "trace" }), "all examples"]]),
  ]);
  return picture(width, top + size + 44, `Calibration in ${cutName(one.name)}`, key,
    bottomAxis(x, top, top + size, scoreName()),
    leftAxis(y, left, left + size, `rate: ${eventName()}`),
    line(x(0), y(0), x(1), y(1), { class: "reference" }),
    one !== BASE && BASE.calibration && s("path", { d: path(BASE.calibration), class: "trace" }),
    points(one.calibration).map(([count, rate, mean]) =>
      s("circle", { cx: x(mean), cy: y(rate), r: 2 + 7 * Math.sqrt(count / most), class: "dot soft" },
        s("title", {}, `mean score ${plain(mean, "")}, rate ${plain(rate, "")}, ${tickText(count)} ${THINGS}`))));
}

// Bars of one row of counts, outline of another, both as shares of their sum.
function steps(x, y, edges, counts) {
  const all = sum(counts) || 1;
  const corners = counts.map((count, i) => `L${x(edges[i]).toFixed(1)} ${y(count / all).toFixed(1)}L${x(edges[i + 1]).toFixed(1)} ${y(count / all).toFixed(1)}`);
  return `M${x(edges[0])} ${y(0)}${corners.join("")}L${x(edges.at(-1))} ${y(0)}`;
}

// Bins of equal width, so that the height of a bar can be read: the file's
// are finer near 0 and 1. A bin's examples are spread over its width.
const EVEN_BINS = 20;

function evenly(edges, counts) {
  const found = new Array(EVEN_BINS).fill(0);
  counts.forEach((count, i) => {
    const [from, to] = [edges[i] * EVEN_BINS, edges[i + 1] * EVEN_BINS];
    for (let bin = Math.floor(from); bin < Math.min(to, EVEN_BINS); bin += 1)
      found[bin] += (count * (Math.min(to, bin + 1) - Math.max(from, bin))) / (to - from || 1);
  });
  return found;
}

// Prediction minus target: a slice's beside those outside, or the baseline's.
function errorPlot(one, beside = false) {
  const outside = one === BASE ? null : BASE.errors.map((count, i) => count - one.errors[i]);
  const other = beside ? one.comparison.errors : outside;
  const names = beside ? ["candidate", "baseline"] : [one === BASE ? "all" : "inside", "outside"];
  const width = figureWidth(520);
  const [left, high] = [58, 170];
  const edges = R.error_edges;
  const x = scale([edges[0], edges.at(-1)], [left, width - 12]);
  const [key, taken] = legend(0, 36, width, [
    [swatch("bar"), names[0]],
    ...(other ? [[(a, b) => line(a - 9, b, a + 9, b, { class: "outline" }), names[1]]] : []),
    [(a, b) => line(a, b - 7, a, b + 7, { class: "reference" }), "no error"],
  ]);
  const top = 36 + taken;
  const rows = [one.errors, other].filter(Boolean);
  const peak = Math.max(0.01, ...rows.flatMap((counts) => counts.map((count) => count / (sum(counts) || 1))));
  const y = scale([0, 100 * peak], [top + high, top]);
  const of = (value) => y(100 * value);
  return picture(width, top + high + 40, `Errors ${beside ? "of both models " : ""}in ${cutName(one.name)}, share of ${THINGS}`, key,
    leftAxis(y, left, width - 12, "", { count: 3, form: (value) => `${tickText(value)} %` }),
    s("path", { d: steps(x, of, edges, one.errors), class: "bar" }),
    other && s("path", { d: steps(x, of, edges, other), class: "outline" }),
    line(x(0), top, x(0), top + high, { class: "reference" }),
    bottomAxis(x, top, top + high, "prediction minus target", { count: width < 400 ? 4 : 6 }));
}

const EVEN_EDGES = Array.from({ length: EVEN_BINS + 1 }, (_, i) => i / EVEN_BINS);

// Panels one under the other: [name, counts inside, counts outside].
const counting = (count) => `${counted(count)} ${THINGS}`;
// Learned indicators are counted without weights.
const countingExamples = (count) => `${whole(count)} examples`;

function histogram(title, axis, panels, names, told = counting) {
  const width = figureWidth(520);
  const [left, high, gap] = [58, 110, 36];
  const x = scale([0, 1], [left, width - 12]);
  const [key, taken] = legend(0, 36, width, [
    [swatch("bar"), names[0]],
    ...(panels.some((panel) => panel[2]) ? [[(a, b) => line(a - 9, b, a + 9, b, { class: "outline" }), names[1]]] : []),
  ]);
  let top = 36 + taken + 16;
  const drawn = panels.map(([name, inside, outside], i) => {
    const rows = [inside, outside].filter(Boolean).map((counts) => evenly(R.score_edges, counts));
    const peak = Math.max(0.05, ...rows.flatMap((counts) => counts.map((one) => one / (sum(counts) || 1))));
    const y = scale([0, 100 * peak], [top + high, top]);
    const of = (value) => y(100 * value);
    of.domain = y.domain;
    const group = s("g", {},
      text(left, top - 8, `${name} (${names[0]}: ${told(sum(inside))})`, { class: "label" }),
      leftAxis(y, left, width - 12, "", { count: 3, form: (value) => `${tickText(value)} %` }),
      s("path", { d: steps(x, of, EVEN_EDGES, rows[0]), class: "bar" }),
      rows[1] && s("path", { d: steps(x, of, EVEN_EDGES, rows[1]), class: "outline" }),
      i === panels.length - 1 && bottomAxis(x, top, top + high, axis));
    top += high + gap;
    return group;
  });
  return picture(width, top + 8, title, key, drawn);
}

function scorePlot(one) {
  const outside = one === BASE ? null : BASE.scores.map((row, i) => row.map((count, j) => count - one.scores[i][j]));
  const names = R.num_classes === 2 ? ["label 0", "label 1"] : ["prediction is wrong", "prediction is right"];
  return histogram(`Scores in ${cutName(one.name)}, share of ${THINGS}`, scoreName(),
    [1, 0].map((i) => [names[i], one.scores[i], outside?.[i]]), [one === BASE ? "all" : "inside", "outside"]);
}

const indicatorPlot = (one) =>
  histogram(`Learned indicator of ${cutName(one.name)}, share of examples`, "probability that the example is in the slice",
    [["members and others", one.indicator_scores[1], one.indicator_scores[0]]], ["members", "others"], countingExamples);

// Both right, won, lost, both wrong: one bar of parts for each table of 2 x 2.
function flipsPlot(one) {
  const rows = [["all labels", one.comparison.cells]];
  one.comparison.label_cells?.forEach((cells, label) => rows.push([`label ${label}`, cells]));
  const width = figureWidth(520);
  const left = 74;
  const kinds = [["both right", 1, 1, "calm"], ["won", 0, 1, "won"], ["lost", 1, 0, "lost"], ["both wrong", 0, 0, "dull"]];
  const [key, taken] = legend(0, 36, width, kinds.map(([word, , , style]) => [swatch(`part ${style}`), word]));
  const top = 36 + taken;
  const x = scale([0, 100], [left, width - 12]);
  const bars = rows.map(([name, cells], i) => {
    const total = cells.flat().reduce((a, b) => a + b, 0) || 1;
    const y = top + 44 * i;
    let at = 0;
    return [
      text(left - 8, y + 17, name, { class: "label", "text-anchor": "end" }),
      kinds.map(([word, before, after, style]) => {
        const count = cells[before][after];
        const [from, to] = [at, (at += (100 * count) / total)];
        const wide = x(to) - x(from);
        return count > 0 && [
          s("rect", { x: x(from), y, width: Math.max(wide, 1), height: 26, class: `part ${style}` },
            s("title", {}, `${name}, ${word}: ${whole(count)} (${share(count / total)})`)),
          wide > CHARACTER * whole(count).length + 4 &&
            text(x(from) + wide / 2, y + 17, whole(count), { class: `count ${style}`, "text-anchor": "middle" }),
        ];
      }),
    ];
  });
  const bottom = top + 44 * rows.length - 10;
  return picture(width, bottom + 40, `Verdicts of baseline and candidate in ${cutName(one.name)}`, key,
    bottomAxis(x, top - 4, bottom, "share of examples, %"), bars);
}
