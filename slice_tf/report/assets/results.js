// What results.json holds, and the parts that several views share.

const PAGES = [DATA, ...(DATA.others ?? [])];
const PAGE = PAGES[new URLSearchParams(location.search).get("label") ?? 0] ?? DATA;
const { results: R, summary: SUMMARY, details: DETAILS } = PAGE;
let HEADLINE = PAGE.headline;
const SLICES = R.slices.slice(0, -1);
const BASE = R.slices.at(-1);
const FACTS = new Map(R.schema.slices.map((one) => [one.name, one]));
let VERDICTS = new Map((R.gate?.slices ?? []).map((one) => [one.name, one]));
const PAIRED = R.baseline !== null;

// Of predicted numbers there are errors instead of classes: the first metric
// is better when lower, and digits are as many as its size asks for.
const NUMBERS = R.num_classes === 0;
const LEADING = NUMBERS ? "mae" : "accuracy";
if (NUMBERS) {
  METRICS.lift = ["lift", OWN, -1];
  ownDigits = Math.min(12, Math.max(0, 2 - Math.floor(Math.log10(BASE.metrics.rmse.value || 1))));
}

// With weights, counts of classes are in units of 2 ** -20.
const WEIGHTED = R.data.weighted;
const THINGS = WEIGHTED ? "weight" : "examples";
const counted = (count) =>
  WEIGHTED ? String(Number((count / 2 ** 20).toPrecision(3))) : whole(Math.round(count));

// The first metric has its own interval of lift: inside minus outside the slice.
function liftOf(one, metric) {
  if (metric === LEADING && one.metrics.lift) return one.metrics.lift;
  const [mine, all] = [one.metrics[metric], BASE.metrics[metric]];
  if (!mine || mine.value === null || all.value === null) return null;
  return { ...mine, value: mine.value - all.value, low: null, high: null };
}

function differenceOf(one, metric) {
  if (!one.comparison) return null;
  if (metric === LEADING) return one.comparison.difference;
  return one.comparison.differences?.[metric] ?? null;
}

// What a gate looks for, and in which unit.
const dropWord = () => (signOf(R.gate?.metric) < 0 ? "Rise" : "Drop");
const gateUnit = () => differenceUnit(unitOf(R.gate.metric));

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

// A long name may break before its words, not within them.
const sliceLink = (name) =>
  h("a", { href: `#/slice/${name}`, class: "slice" },
    name.split(/(?=_)/).map((word, i) => [i > 0 && h("wbr"), word]));

function badges(name) {
  const fact = FACTS.get(name);
  return [
    fact?.critical && h("span", { class: "badge hot" }, "critical"),
    fact?.monitor_only && h("span", { class: "badge" }, "monitor only"),
  ];
}

// What people said, where a server keeps it.
let REVIEW = SERVED?.review ?? { audits: {}, notes: {}, accepted: {} };
const SAMPLE = R.examples ?? null;

// Takes over what changed by what somebody said.
function take(told) {
  if (!told) return false;
  for (const one of R.slices) one.audited = told.audited[one.name];
  R.gate = told.gate;
  VERDICTS = new Map((R.gate?.slices ?? []).map((one) => [one.name, one]));
  HEADLINE = told.headline;
  REVIEW = told.review;
  return true;
}
