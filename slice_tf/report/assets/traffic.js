// Slices in production: their shares, and what the model predicts in them.

const MAIN = document.getElementById("main");
const NUMBER = DATA.output === "predictions";
const WORDS = { moved: ["↕", "moved", "down"], steady: ["=", "steady", ""], "too few": ["·", "too few", "few"] };

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
const rows = DATA.rows.map((one) => [
  foreign(nameOf(one)), tag(one.verdict), whole(Math.round(one.members)),
  ...cells(one.share, "%"), NUMBER ? "" : String(one.output), ...cells(one.prediction, unit),
]);
const amount = (one) => `${whole(one.requests)} requests with ${whole(one.examples)} examples`;

function draw() {
  MAIN.replaceChildren(
    h("h1", {}, DATA.headline),
    h("p", { class: "lead" }, `${amount(DATA.now)}, compared with ${amount(DATA.then)}. Slices are as the model’s indicators see them.`),
    figure("shares", dotPlot("Share of each slice", pointsOf(DATA.rows, "share", nameOf), "%", "share of examples, %",
      { names: ["now, 95 % interval", "reference"] }), "Orange: moved by more than the margin, beyond chance. Hollow: too few to tell."),
    figure("predictions", dotPlot(`Mean ${NUMBER ? "prediction" : "probability"} within each slice`,
      pointsOf(DATA.rows, "prediction", (one) => (NUMBER ? nameOf(one) : `${nameOf(one)}: ${one.output}`)), unit, NUMBER ? "mean prediction" : "mean probability",
      { names: ["now, 95 % interval", "reference"] }),
      NUMBER ? "" : "Behind a slice stands the output, a class or a label, whose mean has changed most surely."),
    part("Every slice", simpleTable(
      ["Slice", "Verdict", "Members", "Share, %", "was", "Output", "Mean", "was"], rows, "Slices")));
}

let lastWidth = MAIN.clientWidth;
window.addEventListener("resize", () => {
  if (MAIN.clientWidth === lastWidth) return;
  lastWidth = MAIN.clientWidth;
  draw();
});
draw();
document.documentElement.dataset.ready = "true";
