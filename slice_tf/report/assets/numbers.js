// How numbers are written.

const OWN = "own"; // The unit of what is predicted, which nobody named.
let ownDigits = 3;

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
  mae: ["mean absolute error", OWN, -1],
  rmse: ["root mean square error", OWN, -1],
  bias: ["bias", OWN, 0],
  r2: ["R²", "", 1],
};

const wordOf = (name) => METRICS[name]?.[0] ?? name.replaceAll("_", " ");
const unitOf = (name) => METRICS[name]?.[1] ?? "";
const signOf = (name) => METRICS[name]?.[2] ?? 1;
const differenceUnit = (unit) => (unit === "%" ? "points" : unit);
const named = (word, unit) => (unit && unit !== OWN ? `${word}, ${unit}` : word);
const withUnit = (text, unit) => (unit && unit !== OWN ? `${text} ${unit}` : text);

const whole = (value) => Number(value).toLocaleString("en-US");
const share = (value) =>
  value > 0 && value < 0.001 ? "<0.1 %" : `${(100 * value).toFixed(1)} %`;
const scaled = (value, unit) =>
  unit === "%" || unit === "points" ? 100 * value : value;

// In the unit, without its name; adding 0 makes -0 positive.
function plain(value, unit, signed = false) {
  if (value === null || value === undefined) return NOTHING;
  const digits = unit === "%" || unit === "points" ? 1 : unit === OWN ? ownDigits : 3;
  const rounded = Number(scaled(value, unit).toFixed(digits)) + 0;
  const text = Math.abs(rounded).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
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

const sum = (values) => values.reduce((a, b) => a + b, 0);
