// The first page: what happened, and one row a slice.

const table = { metric: R.gate?.metric ?? LEADING, sort: R.gate ? "verdict" : "lift", down: false, text: "", only: "all" };

const VERDICT_ORDER = ["FAIL", "NOT_ENOUGH_DATA", "PASS"];

// "too few" sorts last in either direction: it says nothing.
function sortKey(one, column) {
  const better = signOf(table.metric) || 1;
  const near = (metric) => {
    if (!judged(metric) && metric?.status !== "ok") return null;
    // By the interval's near end: small slices must not win by chance. Those
    // whose interval holds zero stand between, by what was measured.
    const { value, low, high } = metric;
    const end = value < 0 ? Math.min(0, high ?? value) : Math.max(0, low ?? value);
    return better * (end || value * 1e-6);
  };
  switch (column) {
    case "name": return one.name;
    case "size": return one.size;
    case "value": {
      const metric = one.metrics[table.metric];
      return metric?.status === "ok" ? metric.value : null;
    }
    case "lift": return near(liftOf(one, table.metric));
    case "difference": return near(differenceOf(one, table.metric));
    case "drop": return VERDICTS.get(one.name)?.smallest_drop ?? null;
    default: {
      const verdict = VERDICTS.get(one.name);
      return verdict ? VERDICT_ORDER.indexOf(verdict.verdict) + (verdict.p ?? 1) / 2 : null;
    }
  }
}

function compareKeys(a, b) {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  const order = a < b ? -1 : Number(a > b);
  return table.down ? -order : order;
}

function isShown(one) {
  const words = table.text.toLowerCase().split(/\s+/).filter(Boolean);
  const fact = FACTS.get(one.name) ?? {};
  const hay = `${one.name} ${fact.description} ${fact.owner}`.toLowerCase();
  if (!words.every((word) => hay.includes(word))) return false;
  if (table.only === "all") return true;
  if (table.only === "few") return one.metrics[table.metric]?.status !== "ok";
  if (table.only === "behind") return side(liftOf(one, table.metric), signOf(table.metric) || 1) < 0;
  return VERDICTS.get(one.name)?.verdict === table.only;
}

function shownSlices() {
  const rows = SLICES.filter(isShown).map((one) => [sortKey(one, table.sort), one]);
  return rows.sort((a, b) => compareKeys(a[0], b[0])).map((pair) => pair[1]);
}

// The columns that this file of results can fill.
function columns() {
  const unit = unitOf(table.metric);
  const apart = differenceUnit(unit);
  const better = signOf(table.metric);
  const metricOf = (one) => one.metrics[table.metric];
  const x = scale(rangeOf(R.slices.map(metricOf).filter(Boolean), unit), [8, 150]);
  const all = scaled(BASE.metrics[table.metric].value ?? 0, unit);
  const differences = R.slices.map((one) => differenceOf(one, table.metric)).filter(Boolean);
  const dx = scale(rangeOf(differences, apart, [0]), [8, 98]);
  const liftName = table.metric === LEADING ? "inside − outside" : "slice − all";
  return [
    { key: "name", name: "Slice", cell: nameCell },
    R.gate && { key: "verdict", name: "Verdict", cell: (one) => verdictTag(VERDICTS.get(one.name)) },
    { key: "size", name: "Size", right: true, cell: sizeCell },
    { key: "value", name: named(wordOf(table.metric), unit), hint: "95 % interval",
      cell: (one) => numberCell(metricOf(one), unit) },
    { name: glyphAxis(x, unit), class: "glyphs",
      cell: (one) => glyph(metricOf(one), unit, x, { reference: all, tone: sideClass(side(liftOf(one, table.metric), better)) }) },
    { key: "lift", name: named("Lift", apart), hint: liftName,
      cell: (one) => one === BASE ? "" : liftCell(one, apart, better) },
    differences.length && { key: "difference", name: named("Change", apart), hint: "against baseline",
      cell: (one) => numberCell(differenceOf(one, table.metric), apart, { signed: true, better }) },
    differences.length && { name: glyphAxis(dx, apart), class: "glyphs narrow",
      cell: (one) => differenceGlyph(differenceOf(one, table.metric), apart, dx, better) },
    R.gate && { key: "drop", name: named(`${dropWord()} found`, gateUnit()), class: "short", right: true,
      cell: (one) => plain(VERDICTS.get(one.name)?.smallest_drop, gateUnit()) },
  ].filter(Boolean);
}

const differenceGlyph = (metric, unit, x, better) =>
  glyph(metric, unit, x, { reference: 0, tone: sideClass(side(metric, better)) });

function liftCell(one, unit, better) {
  const lift = liftOf(one, table.metric);
  return numberCell(lift, unit, { signed: true, better });
}

function nameCell(one) {
  if (one === BASE) return h("span", { class: "all" }, "all examples");
  const fact = FACTS.get(one.name);
  return [
    sliceLink(one.name), " ", badges(one.name),
    fact?.description && foreign(fact.description, { class: "about" }),
  ];
}

const sizeCell = (one) => [
  whole(one.size), " ",
  one !== BASE && h("small", { class: "share" }, share(one.size / Math.max(1, R.data.num_examples))),
];

function sortBy(key) {
  table.down = table.sort === key ? !table.down : key === "size";
  table.sort = key;
}

function headCell(column, redraw) {
  const sorted = column.key && column.key === table.sort;
  const order = table.down ? "descending" : "ascending";
  const inside = [h("span", { class: "head" }, column.name), column.hint && h("small", {}, column.hint)];
  return h("th", {
    scope: "col", class: `${column.class ?? ""} ${column.right ? "right" : ""}`,
    "aria-sort": sorted ? order : null,
  },
  column.key
    ? h("button", { type: "button", "data-sort": column.key, onclick: () => { sortBy(column.key); redraw(column.key); } },
      h("span", {}, inside), h("i", { "aria-hidden": "true" }, sorted ? (table.down ? "↓" : "↑") : ""))
    : inside);
}

function bodyRow(one, shown) {
  return h("tr", { "data-slice": one.name, class: one === BASE ? "base" : null },
    shown.map((column) => h(column.key === "name" ? "th" : "td", {
      scope: column.key === "name" ? "row" : null, class: `${column.class ?? ""} ${column.right ? "right" : ""}`,
      "data-name": typeof column.name === "string" ? column.name : null,
    }, column.cell(one))));
}

function sliceTable(redraw) {
  const shown = columns();
  const rows = shownSlices();
  return h("div", { class: "scroll" },
    h("table", { class: "slices" },
      h("caption", { class: "hidden" }, `${rows.length} of ${SLICES.length} slices`),
      h("thead", {}, h("tr", {}, shown.map((column) => headCell(column, redraw)))),
      h("tbody", {}, bodyRow(BASE, shown), rows.map((one) => bodyRow(one, shown)))),
    rows.length === 0 && h("p", { class: "empty" }, "No slice matches. ",
      h("button", { type: "button", class: "quiet", onclick: () => { table.text = ""; table.only = "all"; show(); } }, "Show all")));
}

function card(name, value, note, tone = "", action = null) {
  const inside = [h("span", { class: "name" }, name), h("strong", {}, value), h("span", { class: "note" }, note)];
  return action
    ? h("button", { type: "button", class: `card ${tone}`, onclick: action }, inside)
    : h("div", { class: `card ${tone}` }, inside);
}

const countVerdicts = (verdict) =>
  SLICES.filter((one) => VERDICTS.get(one.name)?.verdict === verdict).length;

function cards(filter) {
  const [leading, unit] = [BASE.metrics[LEADING], unitOf(LEADING)];
  const apart = differenceUnit(unit);
  const overall = card("All examples", withUnit(plain(leading.value, unit), unit),
    `${NUMBERS ? wordOf(LEADING) : "right"}, of ${whole(BASE.size)}; ${interval(leading, unit)}`);
  if (R.gate) {
    const [mark, word, tone] = VERDICT_WORDS[R.gate.verdict];
    const of = `of ${whole(SLICES.length)} slices`;
    return [
      card("Verdict", `${mark} ${word}`, R.gate.paired ? "paired test" : "test, not paired", tone),
      ...VERDICT_ORDER.map((verdict) => [verdict, countVerdicts(verdict)]).map(([verdict, count]) =>
        card(VERDICT_WORDS[verdict][1], whole(count), of, count ? VERDICT_WORDS[verdict][2] : "", () => filter(verdict))),
      overall,
    ];
  }
  const change = BASE.comparison?.difference;
  const few = SLICES.filter((one) => one.metrics[LEADING].status !== "ok").length;
  const better = signOf(LEADING);
  const trailing = SLICES.filter((one) => side(liftOf(one, LEADING), better) < 0).length;
  return [
    overall,
    change && card("Against baseline", withUnit(plain(change.value, apart, true), apart),
      interval(change, apart, true), sideClass(side(change, better))),
    card("Trailing the rest", whole(trailing), `of ${whole(SLICES.length)} slices, interval ${better > 0 ? "below" : "above"} 0`,
      trailing ? "down" : "", () => filter("behind")),
    card("Too few", whole(few), `slices under ${R.floor} examples`, few ? "few" : "", () => filter("few")),
  ];
}

function only() {
  const options = [["all", "all slices"], ["behind", "trailing"], ["few", "too few"]];
  if (R.gate) options.push(["FAIL", "failed"], ["NOT_ENOUGH_DATA", "not enough data"], ["PASS", "passed"]);
  return options;
}

function overview() {
  const holder = h("div", { id: "table" });
  const draw = (focus) => {
    holder.replaceChildren(sliceTable(draw));
    if (focus) holder.querySelector(`[data-sort="${focus}"]`).focus();
    count.textContent = `${shownSlices().length} of ${SLICES.length}`;
  };
  const count = h("output", { id: "count" });
  const filter = (value) => { table.only = value; show(); document.getElementById("table").scrollIntoView({ block: "start" }); };
  const search = h("input", {
    id: "filter", type: "search", placeholder: "Filter by name, description, owner", autocomplete: "off",
    "aria-keyshortcuts": "/", oninput: (event) => { table.text = event.target.value; draw(); },
  });
  search.value = table.text;
  const view = [
    h("h1", {}, prose(HEADLINE)),
    DETAILS.length > 0 && h("p", { class: "lead" }, prose(DETAILS.join(" "))),
    h("section", { class: "cards", "aria-label": "At a glance" }, cards(filter)),
    h("div", { class: "tools" },
      h("label", { class: "field wide" }, h("span", {}, "Filter"), search),
      select("Metric", metricNames().map((name) => [name, wordOf(name)]), table.metric, (value) => { table.metric = value; draw(); }),
      select("Show", only(), table.only, (value) => { table.only = value; draw(); }),
      count),
    holder,
    h("p", { class: "key" },
      "Bars are 95 % intervals, and changes are paired example by example; the dashed line is all examples, or no change. ",
      h("span", { class: "up" }, "Blue"), " is better and ", h("span", { class: "down" }, "orange"),
      ` worse where the interval leaves out zero.${R.gate ? ` ${dropWord()} found: the smallest true ${dropWord().toLowerCase()} that the test would find in 4 of 5 such data sets.` : ""} Fewer than ${R.floor} examples are “too few” and get no number.`),
  ];
  draw();
  return view;
}
