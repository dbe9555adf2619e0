// Slices in production: their shares, and what the model predicts in them.

const MAIN = document.getElementById("main");
const NUMBER = DATA.output === "predictions";
const WORDS = { moved: ["↕", "moved", "down"], steady: ["=", "steady", ""], "too few": ["·", "too few", "few"] };
const SHOWN_AT_FIRST = 12; // Slices over time, those that moved before others.

const nameOf = (one) => (one.name === "base" ? "all examples" : one.name);
const asMetric = (change) => ({ ...change, status: change.verdict === "too few" ? "too few" : "ok" });
const toneOf = (change) => (change.verdict === "moved" ? "down" : "");

const pointsOf = (rows, key, name) => rows.filter((one) => one[key] && one[key].value !== null).map((one) => ({
  name: name(one), metric: asMetric(one[key]), other: { value: one[key].reference }, tone: toneOf(one[key]),
}));

function tag(verdict) {
  const [mark, word, tone] = WORDS[verdict];
  return h("span", { class: `tag ${tone}` }, `${mark} ${word}`);
}

function cells(change, unit) {
  if (!change || change.value === null) return [NOTHING, NOTHING];
  return [
    h("span", { class: "number" }, h("b", { class: toneOf(change) }, plain(change.value, unit)), " ", h("small", {}, interval(change, unit))),
    plain(change.reference, unit),
  ];
}

const unit = NUMBER ? OWN : "";
const DATED = DATA.lines.length > 0;
const meanName = (one) => (NUMBER ? "mean prediction" : `mean probability of output ${one.output}`);
const amount = (one) => `${whole(one.requests)} requests with ${whole(one.examples)} examples`;

const rows = DATA.rows.map((one) => [
  foreign(nameOf(one)), tag(one.verdict), ...(DATED ? [one.since ? startText(one.since) : NOTHING] : []), whole(Math.round(one.members)),
  ...cells(one.share, "%"), NUMBER ? "" : String(one.output), ...cells(one.prediction, unit),
]);

const HOW = "Accuracy on labelled data, plus what the mean confidence has changed by since. It sees other traffic; where the world has become harder than the model knows, it is too good. Only labels tell that.";
const accuracyChange = (one) => ({ ...one, reference: one.labelled, verdict: one.unknown ? "too few" : "steady" });

function accuracy() {
  const told = DATA.accuracy.map((one) => [one, accuracyChange(one)]);
  const points = told.filter(([one]) => !one.unknown).map(([one, metric]) => ({ name: nameOf(one), metric: asMetric(metric), other: { value: one.labelled } }));
  const cell = (one, metric) => (one.unknown ? h("span", { class: "few" }, `cannot be told: ${one.unknown}`) : cells(metric, "%")[0]);
  return part("Accuracy, estimated without labels",
    points.length > 0 && figure("accuracy", dotPlot("Estimated accuracy of each slice", points, "%", "accuracy, %", { names: ["estimate, 95 % interval", "labelled data"] }), HOW),
    simpleTable(["Slice", "Estimate, %", "Labelled, %"], told.map(([one, metric]) => [foreign(nameOf(one)), cell(one, metric), plain(one.labelled, "%")]), "Estimated accuracy"));
}

// One slice over time: its share and what the model predicts in it.
function course(index) {
  const one = DATA.rows[index];
  const changes = (key) => DATA.lines.map((window) => window[index][key]);
  const estimates = DATA.accuracies.map((window) => window[index]).filter(Boolean).map(accuracyChange);
  const draw = (key, word, of) => figure(`${one.name}-${key}`, linePlot(word, DATA.starts, changes(key), of), "");
  return h("section", { "data-slice": one.name },
    h("h3", {}, foreign(nameOf(one)), " ", tag(one.verdict), one.since && h("small", {}, ` since ${startText(one.since)}`)),
    h("div", { class: "columns" },
      one.share ? draw("share", "share of examples, %", "%") : h("span"),
      draw("prediction", meanName(one), unit),
      estimates.some((window) => window.value !== null) &&
        figure(`${one.name}-accuracy`, linePlot("estimated accuracy, %", DATA.starts, estimates, "%"), "")));
}

function overTime() {
  const rank = { moved: 0, steady: 1, "too few": 2 };
  const order = DATA.rows.map((_, i) => i).sort((a, b) => rank[DATA.rows[a].verdict] - rank[DATA.rows[b].verdict] || a - b);
  const shown = draw.all ? order : order.slice(0, SHOWN_AT_FIRST);
  return part("Over time",
    h("p", { class: "key" }, "Line and area: each window with its 95 % interval, in UTC. Dashed: the reference. Orange points: moved; the upright line is where that most likely began. Hollow: too few to tell."),
    shown.map(course),
    shown.length < order.length && h("button", { type: "button", class: "quiet", onclick: () => { draw.all = true; draw(); } }, `Show all ${order.length} slices`));
}

function latest() {
  const names = ["now, 95 % interval", "reference"];
  const mean = (one) => (NUMBER ? nameOf(one) : `${nameOf(one)}: ${one.output}`);
  return [
    figure("shares", dotPlot("Share of each slice", pointsOf(DATA.rows, "share", nameOf), "%", "share of examples, %", { names }),
      "Orange: moved by more than the margin, beyond chance. Hollow: too few to tell."),
    figure("predictions", dotPlot(`Mean ${NUMBER ? "prediction" : "probability"} within each slice`,
      pointsOf(DATA.rows, "prediction", mean), unit, NUMBER ? "mean prediction" : "mean probability", { names }),
      NUMBER ? "" : "Behind a slice stands the output, a class or a label, whose mean has changed most surely."),
    part("Every slice", simpleTable(
      ["Slice", "Verdict", ...(DATED ? ["Since"] : []), "Members", "Share, %", "was", "Output", "Mean", "was"], rows, "Slices")),
  ];
}

function lead() {
  if (!DATA.then) return ["It holds ", amount(DATA.now), ". Compare it with ", h("span", { class: "code" }, "slice-tf monitor --reference"), "."];
  const every = DATED ? ` in ${DATA.starts.length} windows, from ${DATA.starts[0]} to ${DATA.starts.at(-1)},` : "";
  return `${amount(DATA.now)}${every} compared with ${amount(DATA.then)}. Slices are as the model’s indicators see them.`;
}

function draw() {
  MAIN.replaceChildren(...[
    SERVED && h("div", { class: "crumbs" }, h("a", { href: "/" }, "All results and runs")),
    h("h1", {}, DATA.headline),
    h("p", { class: "lead" }, lead()),
    DATA.rows.length > 0 && DATED && overTime(),
    ...(DATA.rows.length > 0 ? latest() : []),
    DATA.accuracy.length > 0 && accuracy(),
  ].filter((one) => one));
}

let lastWidth = MAIN.clientWidth;
window.addEventListener("resize", () => {
  if (MAIN.clientWidth === lastWidth) return;
  lastWidth = MAIN.clientWidth;
  draw();
});
draw();
document.documentElement.dataset.ready = "true";
