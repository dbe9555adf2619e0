// The data, how elements are made, and how numbers are written.

const { results: R, summary: SUMMARY, headline: HEADLINE, details: DETAILS } =
  JSON.parse(document.getElementById("data").textContent);
const SLICES = R.slices.slice(0, -1);
const BASE = R.slices.at(-1);
const FACTS = new Map(R.schema.slices.map((one) => [one.name, one]));
const VERDICTS = new Map((R.gate?.slices ?? []).map((one) => [one.name, one]));
const PAIRED = R.baseline !== null;

const SVG = "http://www.w3.org/2000/svg";
const NOTHING = "–";

// Text becomes text nodes and nothing else: no string is ever read as HTML.
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false)
      element.append(child);
  }
  return element;
}

const h = (tag, attributes, ...children) =>
  fill(document.createElement(tag), attributes, children);

const s = (tag, attributes, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

// Foreign text, kept from turning the direction of the text around it.
const foreign = (text, attributes) =>
  h("bdi", { dir: "auto", ...attributes }, String(text));

// Metric: [what people call it, unit, which way is better].
const METRICS = {
  accuracy: ["accuracy", "%", 1],
  precision: ["precision", "%", 1],
  recall: ["recall", "%", 1],
  f1: ["F1", "%", 1],
  false_positive_rate: ["false positive rate", "%", -1],
  false_negative_rate: ["false negative rate", "%", -1],
  lift: ["lift", "points", 1],
  calibration_error: ["calibration error", "points", -1],
  calibration_bias: ["calibration bias", "points", 0],
  mcc: ["MCC", "", 1],
  auc: ["area under ROC", "", 1],
  auc_pr: ["area under precision-recall", "", 1],
  log_loss: ["log loss", "nats", -1],
  brier: ["Brier score", "", -1],
};

const wordOf = (name) => METRICS[name]?.[0] ?? name.replaceAll("_", " ");
const unitOf = (name) => METRICS[name]?.[1] ?? "";
const signOf = (name) => METRICS[name]?.[2] ?? 1;
const differenceUnit = (unit) => (unit === "%" ? "points" : unit);
const named = (word, unit) => (unit ? `${word}, ${unit}` : word);

const whole = (value) => Number(value).toLocaleString("en-US");
// With weights, counts are in units of 2 ** -20; groups of calibration hold
// the weights themselves, which is how a page can tell.
const sum = (values) => values.reduce((a, b) => a + b, 0);
const WEIGHTED = Boolean(BASE.scores && BASE.calibration) &&
  sum(BASE.calibration.map((group) => group[0])) < sum(BASE.scores.flat()) / 1000;
const THINGS = WEIGHTED ? "weight" : "examples";
const counted = (count) =>
  WEIGHTED ? String(Number((count / 2 ** 20).toPrecision(3))) : whole(Math.round(count));

const share = (value) =>
  value > 0 && value < 0.001 ? "<0.1 %" : `${(100 * value).toFixed(1)} %`;
const scaled = (value, unit) =>
  unit === "%" || unit === "points" ? 100 * value : value;

// In the unit, without its name; adding 0 makes -0 positive.
function plain(value, unit, signed = false) {
  if (value === null || value === undefined) return NOTHING;
  const digits = unit === "%" || unit === "points" ? 1 : 3;
  const rounded = Number(scaled(value, unit).toFixed(digits)) + 0;
  const text = Math.abs(rounded).toFixed(digits);
  if (rounded < 0) return `−${text}`;
  return signed ? `+${text}` : text;
}

const interval = (metric, unit, signed = false) =>
  metric.low === null || metric.low === undefined
    ? ""
    : `${plain(metric.low, unit, signed)} to ${plain(metric.high, unit, signed)}`;

const judged = (metric) => metric?.status === "ok" && metric.low !== null;

// 1 or -1 where the interval leaves out zero, in the better direction.
function side(metric, better = 1) {
  if (!judged(metric)) return 0;
  return better * (Number(metric.low > 0) - Number(metric.high < 0));
}

const sideClass = (value) => (value > 0 ? "up" : value < 0 ? "down" : "");

// A number with its interval; "too few" is never a bare number.
function numberCell(metric, unit, { signed = false, better = 1 } = {}) {
  if (!metric || metric.status === "empty" || metric.value === null)
    return h("span", { class: "none" }, NOTHING);
  if (metric.status !== "ok") return tooFew(metric);
  const tone = signed ? sideClass(side(metric, better)) : "";
  return h("span", { class: "number" },
    h("b", { class: tone }, plain(metric.value, unit, signed)), " ",
    h("small", {}, interval(metric, unit, signed)));
}

const tooFew = (metric) =>
  h("span", { class: "few" }, "too few ", h("small", {}, `n = ${whole(metric.n)}`));

// Accuracy has its own interval of lift: inside minus outside the slice.
function liftOf(one, metric) {
  if (metric === "accuracy" && one.metrics.lift) return one.metrics.lift;
  const [mine, all] = [one.metrics[metric], BASE.metrics[metric]];
  if (!mine || mine.value === null || all.value === null) return null;
  return { ...mine, value: mine.value - all.value, low: null, high: null };
}

function differenceOf(one, metric) {
  if (!one.comparison) return null;
  if (metric === "accuracy") return one.comparison.difference;
  return one.comparison.differences?.[metric] ?? null;
}

const hasDifferences = (metric) =>
  R.slices.some((one) => differenceOf(one, metric) !== null);

const metricNames = () =>
  Object.keys(BASE.metrics).filter((name) => name !== "lift");

const VERDICT_WORDS = {
  PASS: ["✓", "pass", "up"],
  FAIL: ["✕", "fail", "down"],
  NOT_ENOUGH_DATA: ["?", "not enough data", "few"],
};

function verdictTag(verdict) {
  if (!verdict) return h("span", { class: "none" }, NOTHING);
  const [mark, word, tone] = VERDICT_WORDS[verdict.verdict] ?? ["", verdict.verdict, ""];
  return h("span", { class: `tag ${tone}` },
    h("span", { "aria-hidden": "true" }, mark), " ", word,
    verdict.accepted !== null && h("em", {}, " accepted"));
}

const sliceLink = (name) =>
  h("a", { href: `#/slice/${name}`, class: "slice" }, name);

function badges(name) {
  const fact = FACTS.get(name);
  return [
    fact?.critical && h("span", { class: "badge hot" }, "critical"),
    fact?.monitor_only && h("span", { class: "badge" }, "monitor only"),
  ];
}

function select(label, options, value, onchange) {
  const list = h("select", { onchange: (event) => onchange(event.target.value) },
    options.map(([key, word]) =>
      h("option", { value: key, selected: key === value }, word)));
  return h("label", { class: "field" }, h("span", {}, label), list);
}

function say(text) {
  const said = document.getElementById("said");
  said.textContent = text;
  said.classList.add("shown");
  clearTimeout(say.timer);
  say.timer = setTimeout(() => said.classList.remove("shown"), 2500);
}
