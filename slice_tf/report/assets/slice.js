// The page of one slice.

const sliceNames = () => [...shownSlices().map((one) => one.name)];

function neighbour(name, step) {
  const names = sliceNames();
  const at = names.indexOf(name);
  return at < 0 ? names[0] : names[at + step];
}

function facts(one) {
  const fact = FACTS.get(one.name);
  const rows = [
    ["size", `${whole(one.size)} of ${whole(R.data.num_examples)} examples, ${share(one.size / Math.max(1, R.data.num_examples))}`],
    one.unknown > 0 && ["unknown", `${whole(one.unknown)} examples, where the slicing function failed`],
    fact?.owner && ["owner", foreign(fact.owner)],
    fact?.margin > 0 && [NUMBERS ? "tolerated rise" : "tolerated drop", NUMBERS ? tickText(fact.margin) : `${plain(fact.margin, "points")} points`],
    fact?.slicing_function && ["slicing function", foreign(fact.slicing_function, { class: "code" })],
  ];
  return h("dl", {}, rows.filter(Boolean).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

function verdictBox(one) {
  const verdict = VERDICTS.get(one.name);
  if (!verdict) return null;
  return h("p", { class: "verdict" }, verdictTag(verdict), " ", foreign(verdict.reason),
    verdict.accepted !== null && [" Accepted: ", foreign(verdict.accepted)]);
}

function metricsTable(one) {
  const names = Object.keys(one.metrics).filter((name) => one !== BASE || name !== "lift");
  return simpleTable(
    ["Metric", one === BASE ? "All examples" : "Slice", ...(one === BASE ? [] : ["All examples"]), ...(PAIRED ? ["Against baseline"] : []), "n"],
    names.map((name) => {
      const unit = unitOf(name);
      const change = differenceOf(one, name);
      return [
        named(wordOf(name), unit),
        numberCell(one.metrics[name], unit, { signed: name === "lift", better: signOf(name) }),
        ...(one === BASE ? [] : [name === "lift" ? NOTHING : numberCell(BASE.metrics[name], unit)]),
        ...(PAIRED ? [numberCell(change, differenceUnit(unit), { signed: true, better: signOf(name) })] : []),
        whole(one.metrics[name].n),
      ];
    }), "Metrics");
}

// Other slices that share examples, most alike first.
function overlapsOf(index, most = 12) {
  const cells = R.overlap ?? SUMMARY?.overlap;
  if (!cells) return [];
  return SLICES.map((other, i) => {
    const both = cells[index][i];
    const union = cells[index][index] + cells[i][i] - both;
    return { other, both, alike: union ? both / union : 0, inside: both / (cells[index][index] || 1) };
  }).filter((row, i) => i !== index && row.both > 0)
    .sort((a, b) => b.alike - a.alike).slice(0, most);
}

function overlapTable(one) {
  const rows = overlapsOf(SLICES.indexOf(one));
  if (!rows.length) return h("p", { class: "key" }, "No other slice shares an example with this one.");
  return simpleTable(["Slice", "In both", "Of this slice", "Of the union", "", named(wordOf(LEADING), unitOf(LEADING))],
    rows.map(({ other, both, alike, inside }) => [
      sliceLink(other.name), whole(both), share(inside), share(alike), meter(alike), numberCell(other.metrics[LEADING], unitOf(LEADING)),
    ]), "Overlapping slices");
}

function indicatorTable(one) {
  const quality = Object.entries(one.indicator_quality ?? {});
  const unit = (name) => (name.startsWith("calibration") ? "points" : "%");
  return simpleTable(["Learned indicator", "Value", "n"], [
    ["area under ROC", numberCell(one.indicator, ""), whole(one.indicator.n)],
    ...quality.map(([name, metric]) => [named(name.replaceAll("_", " "), unit(name)), numberCell(metric, unit(name)), whole(metric.n)]),
  ], "Learned indicator");
}

const sampled = (kind, name) => (SAMPLE?.[kind]?.[name] ?? []).map((place) => SAMPLE.examples[place]);

const examplesOf = (name) => exampleTabs([
  ["lost", sampled("lost", name)], [NUMBERS ? "largest errors" : "wrong", sampled("errors", name)], ["any", sampled("members", name)]]);

// A note, and whether somebody lets the slice through.
function reviewBox(one) {
  const send = (kind) => async (text) => {
    if (take(await post(`/api/${kind}`, { file: SERVED.file, slice: one.name, text }))) {
      show();
      say("Saved.");
    }
  };
  const [note, text] = field("Note", REVIEW.notes[one.name] ?? "", { rows: 3, maxlength: 4000, id: "note" });
  const verdict = VERDICTS.get(one.name);
  const reason = REVIEW.accepted[one.name];
  const [why, because] = field("Reason to accept it all the same", reason ?? "", { id: "reason", maxlength: 4000 });
  const open = verdict && (verdict.verdict !== "PASS" || verdict.accepted !== null);
  return [
    h("div", { class: "form" }, note, action("Save note", () => send("notes")(text.value))),
    open && h("div", { class: "form" }, why,
      action("Accept slice", () => (because.value.trim() ? send("accepted")(because.value) : say("Somebody will ask for a reason."))),
      reason && action("Withdraw", () => send("accepted")(""))),
    reason && h("p", { class: "key" }, "For a release, put ", h("span", { class: "code" }, "review.json"), " under review and run ",
      h("span", { class: "code" }, "slice-tf gate … --review review.json"), ", or say it there: ",
      h("span", { class: "code" }, `--accept ${one.name} --reason ${quoted(reason)}`)),
  ];
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function slicePage(name) {
  const one = R.slices.find((slice) => slice.name === name);
  if (!one) return [h("h1", {}, "There is no such slice"), h("p", {}, h("a", { href: "#/" }, "Back to the overview"))];
  const [before, after] = [neighbour(name, -1), neighbour(name, 1)];
  const fact = FACTS.get(name);
  const step = (word, target, key) => target
    ? h("a", { href: `#/slice/${target}`, class: "quiet", "aria-keyshortcuts": key }, word) : null;
  return [
    h("div", { class: "crumbs" }, h("a", { href: "#/" }, "← Overview"),
      h("span", { class: "steps" }, step("← previous", before, "ArrowLeft"), step("next →", after, "ArrowRight"))),
    h("h1", {}, one === BASE ? "all examples" : name, " ", badges(name)),
    fact?.description && h("p", { class: "lead" }, foreign(fact.description)),
    verdictBox(one),
    facts(one),
    part("Metrics", metricsTable(one)),
    h("div", { class: "columns" },
      one.errors && part("Errors", figure(`${name}-errors`, errorPlot(one), "Each histogram adds up to 100 %; the outermost bars hold all beyond.")),
      one.comparison?.errors && part("Errors beside the baseline", figure(`${name}-baseline-errors`, errorPlot(one, true), "The same examples: narrower around 0 is better.")),
      one.comparison?.cells && part("Won and lost", figure(`${name}-verdicts`, flipsPlot(one),
      "Won: the candidate is right where the baseline is wrong. Lost: the other way round.")),
      one.confusion && part("Confusion", figure(`${name}-confusion`, confusionPlot(one), "Shade: share of the label's examples.")),
      one.scores && R.score_edges && part("Scores", figure(`${name}-scores`, scorePlot(one), "Each histogram adds up to 100 %.")),
      one.calibration && part("Calibration", figure(`${name}-calibration`, calibrationPlot(one),
      "On the dashed line, scores are as right as they claim.")),
    ),
    one !== BASE && (R.overlap || SUMMARY) && part("Overlapping slices", overlapTable(one)),
    one.indicator && part("Learned indicator", indicatorTable(one),
      one.indicator_scores && R.score_edges && figure(`${name}-indicator`, indicatorPlot(one), "How well the served model tells members apart.")),
    SAMPLE && part("Examples", examplesOf(name)),
    one !== BASE && (one.audited || SAMPLE) && part("Audit", auditTable(one), auditHint(name)),
    SERVED && part("Review", reviewBox(one)),
  ];
}
