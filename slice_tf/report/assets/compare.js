// All slices side by side.

const compared = { metric: R.gate?.metric ?? LEADING, what: PAIRED ? "difference" : "value", order: "near", most: "all" };

function comparedMetric(one) {
  if (compared.what === "difference") return differenceOf(one, compared.metric);
  if (compared.what === "lift") return liftOf(one, compared.metric);
  return one.metrics[compared.metric];
}

function comparedRows() {
  const better = signOf(compared.metric) || 1;
  const relative = compared.what !== "value";
  const rows = SLICES.map((one) => {
    const metric = comparedMetric(one);
    const tone = relative ? side(metric, better) : side(liftOf(one, compared.metric), better);
    const other = !relative && compared.metric === LEADING ? one.comparison?.baseline : null;
    return { name: one.name, size: one.size, metric, other, tone: sideClass(tone) };
  }).filter((row) => row.metric && row.metric.value !== null);
  const orders = {
    name: (a, b) => (a.name < b.name ? -1 : 1),
    size: (a, b) => b.size - a.size,
    near: (a, b) => (a.metric.status !== "ok") - (b.metric.status !== "ok") || better * (a.metric.value - b.metric.value),
  };
  return rows.sort(orders[compared.order]).slice(0, compared.most === "all" ? rows.length : Number(compared.most));
}

function comparePlot() {
  const unit = unitOf(compared.metric);
  const word = wordOf(compared.metric);
  const apart = differenceUnit(unit);
  if (compared.what === "value")
    return dotPlot(`${capital(word)} of each slice`, comparedRows(), unit, named(word, unit), {
      reference: scaled(BASE.metrics[compared.metric].value ?? 0, unit), referenceName: "all examples",
      names: ["slice, 95 % interval", "baseline"],
    });
  const title = compared.what === "lift"
    ? `${capital(word)} of each slice against ${compared.metric === LEADING ? "the rest" : "all examples"}`
    : `Candidate minus baseline, ${word} of each slice`;
  return dotPlot(title, comparedRows(), apart, named(`difference in ${word}`, apart), {
    reference: 0, referenceName: "no difference", names: ["slice, 95 % interval"],
  });
}

const capital = (word) => word[0].toUpperCase() + word.slice(1);

// The leading metric of both models; off the line, one of them is better.
function scatterPlot() {
  const unit = unitOf(LEADING);
  const width = figureWidth(520);
  const [left, top] = [60, 70];
  const size = width - left - 14;
  const rows = SLICES.filter((one) => one.comparison && judged(one.comparison.difference));
  const pair = (one) => [one.comparison.baseline.value, one.metrics[LEADING].value].map((value) => scaled(value, unit));
  const values = rows.flatMap(pair);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = 0.05 * (high - low) || 0.02 * high || 1;
  const range = [low - room, unit === "%" ? Math.min(high + room, 100.5) : high + room];
  const x = scale(range, [left, left + size]);
  const y = scale(range, [top + size, top]);
  const most = Math.max(1, ...rows.map((one) => one.size));
  const better = signOf(LEADING);
  const [key] = legend(0, 36, width, [[dot("dot soft"), "slice; area is examples"], [dot("dot soft up"), "better"], [dot("dot soft down"), "worse"]]);
  return picture(width, top + size + 44, `${capital(wordOf(LEADING))} of candidate and baseline, by slice`, key,
    bottomAxis(x, top, top + size, named("baseline", unit)), leftAxis(y, left, left + size, named("candidate", unit), { count: 5 }),
    line(x(range[0]), y(range[0]), x(range[1]), y(range[1]), { class: "reference" }),
    rows.map((one) => {
      const [before, after] = pair(one);
      return s("circle", {
        cx: x(before), cy: y(after),
        r: 3 + 9 * Math.sqrt(one.size / most), class: `dot soft ${sideClass(side(one.comparison.difference, better))}`,
      }, s("title", {}, `${one.name}: ${plain(one.comparison.baseline.value, unit)} → ${withUnit(plain(one.metrics[LEADING].value, unit), unit)}, ${whole(one.size)} examples`));
    }));
}

const probability = (p) => (p === null ? NOTHING : p < 0.001 ? "<0.001" : p.toFixed(3));

function gateTrace() {
  const rows = R.gate.slices.slice()
    .sort((a, b) => VERDICT_ORDER.indexOf(a.verdict) - VERDICT_ORDER.indexOf(b.verdict) || (a.p ?? 2) - (b.p ?? 2));
  return [
    h("p", {}, `One-sided ${R.gate.paired ? "paired" : "unpaired"} tests of ${wordOf(R.gate.metric)}; Benjamini and Hochberg at ${share(R.gate.false_discovery_rate)}, Holm among critical slices.`),
    simpleTable(["Slice", "Verdict", named("Margin", gateUnit()), "p", "adjusted p", named(`Smallest ${dropWord().toLowerCase()} found`, gateUnit()), "Why"],
      rows.map((one) => [one.name === BASE.name ? "all examples" : sliceLink(one.name), verdictTag(one), plain(one.margin, gateUnit()),
        probability(one.p), probability(one.adjusted_p), plain(one.smallest_drop, gateUnit()),
        h("span", { class: "why" }, foreign(one.reason), one.accepted !== null && [" Accepted: ", foreign(one.accepted)])]), "Verdicts"),
  ];
}

function comparePage() {
  const holder = h("div", { id: "compared" });
  const draw = () => holder.replaceChildren(figure(`slices-${compared.metric}-${compared.what}`, comparePlot(),
    "Hollow: too few examples to judge. Estimates of the worst slices flatter no one: the worst of many look worse than they are."));
  const whats = [["value", "value"], ["lift", "lift"]];
  if (PAIRED) whats.push(["difference", "against baseline"]);
  const change = (key) => (value) => {
    compared[key] = value;
    if (compared.what === "difference" && !hasDifferences(compared.metric)) {
      compared.what = "value";
      say(`Results hold no paired difference in ${wordOf(compared.metric)}.`);
      show();
    } else draw();
  };
  draw();
  return [
    h("h1", {}, "Slices side by side"),
    h("div", { class: "tools" },
      select("Metric", metricNames().map((name) => [name, wordOf(name)]), compared.metric, change("metric")),
      select("What", whats, compared.what, change("what")),
      select("Order", [["near", "worst first"], ["size", "largest first"], ["name", "by name"]], compared.order, change("order")),
      SLICES.length > 30 && select("Rows", [["all", "all"], ["30", "first 30"]], compared.most, change("most"))),
    holder,
    PAIRED && SLICES.some((one) => judged(one.comparison?.difference)) && figure("baseline-candidate", scatterPlot(), "Colour: the paired 95 % interval leaves out zero."),
    R.gate && part("How the verdict came about", gateTrace()),
  ];
}
