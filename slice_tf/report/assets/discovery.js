// Groups of errors that a discovery run found, and what to do with each.

const MAIN = document.getElementById("main");
const FOUND = DATA.slices;
let DECIDED = DATA.decided;
const LABEL_BINS = 20;
const FIRST_EXAMPLES = 6;

const rate = (value) => plain(value, "%");
const titleOf = (one) => DECIDED[one.name]?.name ?? one.name;
const errorsOf = (one) => ({
  value: one.error_rate, low: one.low, high: one.high, n: one.size, status: one.error_rate === null ? "empty" : "ok",
});

// All groups, and how many errors are usual elsewhere.
function allPlot() {
  const rows = FOUND.filter((one) => one.error_rate !== null)
    .map((one) => ({ name: titleOf(one), metric: errorsOf(one), tone: one.holds_up ? "down" : "" }));
  return dotPlot("Held-out errors of each group", rows, "%", "wrong predictions, %", {
    reference: 100 * DATA.error_rate, referenceName: "of all", names: ["group, 95 % interval"],
  });
}

// Bars inside, outline outside: the probability that the label got.
function labelPlot(one) {
  const width = figureWidth(440);
  const [left, high] = [46, 130];
  const [inside, outside] = one.scores;
  const peak = Math.max(5, ...one.scores.flatMap((counts) => counts.map((count) => (100 * count) / (sum(counts) || 1))));
  const x = scale([0, 1], [left, width - 8]);
  const [key, taken] = legend(0, 36, width, [
    [swatch("bar"), `inside, ${whole(sum(inside))}`],
    [(a, b) => line(a - 9, b, a + 9, b, { class: "outline" }), `outside, ${whole(sum(outside))}`]]);
  const top = 36 + taken + 4;
  const y = scale([0, peak], [top + high, top]);
  const path = (counts) => counts.map((count, i) => {
    const level = y((100 * count) / (sum(counts) || 1)).toFixed(1);
    return `L${x(i / LABEL_BINS).toFixed(1)} ${level}L${x((i + 1) / LABEL_BINS).toFixed(1)} ${level}`;
  }).join("");
  const outline = (counts) => `M${x(0)} ${y(0)}${path(counts)}L${x(1)} ${y(0)}`;
  return picture(width, top + high + 44, `Held-out examples of class ${one.label}`, key,
    leftAxis(y, left, width - 8, "", { count: 3, form: (value) => `${tickText(value)} %` }),
    s("path", { d: outline(inside), class: "bar" }),
    s("path", { d: outline(outside), class: "outline" }),
    bottomAxis(x, top, top + high, "probability of the label", { count: width < 350 ? 3 : 5 }));
}

// The number a group is judged by, and what it must be told from.
function headNumber(one) {
  if (one.error_rate === null) return h("p", { class: "score" }, h("strong", {}, NOTHING), h("span", {}, "no held-out example of its class lies in it"));
  const times = one.rest_error_rate === null ? NaN : one.error_rate / one.rest_error_rate;
  return h("div", { class: `score ${one.holds_up ? "down" : ""}` },
    h("strong", {}, `${rate(one.error_rate)} %`),
    h("span", {}, `of ${whole(one.size)} held-out examples of class ${one.label} are wrong, ${rate(one.low)} to ${rate(one.high)}; elsewhere ${percent(one.rest_error_rate)}`,
      Number.isFinite(times) && times > 1.05 && `: ${times.toFixed(1)} times as many`));
}

const percent = (value) => (value === null ? "nothing" : `${rate(value)} %`);
const told = (x) => (x.value === null ? "unknown" : `${rate(x.value)} % (${rate(x.low)} to ${rate(x.high)})`);
const factsOf = (one) => h("p", { class: "key" },
  `Where it was found ${rate(one.found_error_rate)} %, which flatters; after shrinkage ${rate(one.shrunken_error_rate)} %. Of whatever class there ${told(one.region_error_rate)} of ${whole(one.region_size)}; elsewhere ${percent(one.region_rest_error_rate)}.`);

// What describes a group: its rule, what separates it, phrases.
function wordsOf(one) {
  const { rule, separations = [], phrases = [] } = one;
  return [
    rule && h("p", { class: "rule" }, h("span", { class: "code" }, foreign(rule.text)),
      h("small", {}, `${told(rule.precision)} of the ${whole(rule.size)} held-out examples it takes lie in the group, and it takes ${told(rule.recall)} of the group; ${told(rule.error_rate)} of them are wrong.`)),
    separations.length > 0 && simpleTable(["More often inside", "Inside, %", "Outside, %", "Times as often"],
      separations.map((x) => [foreign(x.condition), rate(x.inside), rate(x.outside),
        [h("b", {}, x.lift.toFixed(1)), " ", h("small", {}, `${x.low.toFixed(1)} to ${x.high.toFixed(1)}${x.low > 1 ? "" : ", may be chance"}`)]]), "What separates it"),
    phrases.length > 0 && h("p", { class: "phrases" }, phrases.map((x) => foreign(x.text, { class: "badge" }))),
  ];
}

const allShown = new Set(); // Groups of which all examples are shown.

function examplesOf(one) {
  if (!one.examples.length) return null;
  const some = allShown.has(one.name) ? one.examples : one.examples.slice(0, FIRST_EXAMPLES);
  return [
    h("h3", {}, "Nearest examples"),
    h("ul", { class: "examples" }, some.map(exampleCard)),
    some.length < one.examples.length && action(`Show all ${whole(one.examples.length)}`, () => { allShown.add(one.name); draw(); }, { "data-action": "more" }),
  ];
}

async function decide(values) {
  const told = await post("/api/discovery", { run: SERVED.run, fingerprint: DATA.fingerprint, ...values });
  if (!told) return;
  if (told.run) {
    location.href = `/discovery?run=${encodeURIComponent(told.run)}`;
    return;
  }
  DECIDED = told.decided;
  draw();
  say("Saved.");
}

const chosen = new Set(); // Groups to be accepted as one.
const opened = new Set(); // Groups whose form is open.
const typed = {}; // What stands in fields, kept when the page is drawn again.
const kept = (key) => ({ oninput: (event) => { typed[key] = event.target.value; } });

function acceptForm(one) {
  const [name, named] = field("Name of the new slice", typed[one.name] ?? "", { name: "name", placeholder: "small_print", spellcheck: "false", ...kept(one.name) });
  const [feature, fed] = field(one.rule ? "Feature to embed; empty for the rule" : "Feature that is the embedding, or is encoded", typed.feature ?? "", { name: "feature", spellcheck: "false", ...kept("feature") });
  const [encoder, path] = field("Encoder, if any: module:function", typed.encoder ?? "", { name: "encoder", spellcheck: "false", ...kept("encoder") });
  const together = FOUND.filter((other) => other !== one && !DECIDED[other.name]);
  const form = h("div", { class: "accept", hidden: !opened.has(one.name) },
    h("div", { class: "form" }, name, feature, encoder),
    together.length > 0 && h("p", { class: "key" }, "As one slice with ", together.map((other) => h("label", { class: "check" },
      h("input", { type: "checkbox", checked: chosen.has(other.name), "data-with": other.name,
        onchange: (event) => { chosen[event.target.checked ? "add" : "delete"](other.name); } }), " ", other.name, " "))),
    action("Accept", () => {
      const found = [one.name, ...together.filter((other) => chosen.has(other.name)).map((other) => other.name)];
      return decide({ act: "accept", found, name: named.value, feature: fed.value, encoder: path.value });
    }, { class: "big" }));
  const open = () => {
    form.hidden = !form.hidden;
    opened[form.hidden ? "delete" : "add"](one.name);
    if (!form.hidden) named.focus();
  };
  return [
    h("div", { class: "answers" },
      action("Name and accept…", open, { class: "big", "data-action": "open" }),
      action("Reject", () => decide({ act: "reject", found: [one.name] }), { class: "big calm" }),
      DATA.can_split && action("Split in two", () => decide({ act: "split", found: [one.name] }), { class: "big calm", "data-action": "Split" })),
    form,
    !DATA.can_split && h("p", { class: "key" }, "Two things in one? Start ", h("span", { class: "code" }, "slice-tf ui"), " with ",
      h("span", { class: "code" }, "--predictions"), ", the rows it was found in, to split it here."),
  ];
}

function outcome(one, decision) {
  if (decision.state === "rejected")
    return h("p", {}, "Rejected. ", action("Reopen", () => decide({ act: "reopen", found: [one.name] })));
  return h("div", {},
    h("p", {}, "Accepted as ", h("b", {}, decision.name), ". Its slicing function, and a test to complete:"),
    h("p", { class: "code" }, foreign(decision.file), h("br"), foreign(decision.test)),
    h("p", { class: "key" }, "Apply it with ", h("span", { class: "code" }, `slice-tf apply --slices ${decision.file} …`), ". ",
      action("Reopen", () => decide({ act: "reopen", found: [one.name] }))));
}

function group(one) {
  const decision = DECIDED[one.name];
  const drawn = one.scores?.length === 2 && figure(`${one.name}-scores`, labelPlot(one), "Each adds up to 100 %.");
  return h("section", { class: `found ${decision?.state ?? ""}`, "data-found": one.name },
    h("h2", {}, titleOf(one),
      h("span", { class: `badge ${one.holds_up ? "hot" : ""}` }, one.holds_up ? "holds up" : "does not hold up"),
      decision && h("span", { class: "badge" }, decision.state)),
    one.description && h("p", { class: "lead" }, foreign(one.description)),
    h("div", { class: "columns" },
      h("div", { class: "told" }, headNumber(one), factsOf(one), wordsOf(one)),
      drawn),
    examplesOf(one),
    h("div", { class: "decide" }, decision ? outcome(one, decision) : acceptForm(one)));
}

const SHOWN = {
  all: ["all", () => true], open: ["undecided", (one) => !DECIDED[one.name]],
  holding: ["that hold up", (one) => one.holds_up],
};

function draw() {
  const holding = FOUND.filter((one) => one.holds_up).length;
  const shown = FOUND.filter(SHOWN[draw.only ?? "all"][1]);
  const several = FOUND.length > 1;
  MAIN.replaceChildren(
    h("div", { class: "crumbs" }, h("a", { href: "/" }, "All results and runs")),
    h("h1", {}, FOUND.length ? `${whole(FOUND.length)} ${several ? "groups" : "group"} of errors, ${whole(holding)} of which hold up` : "No group has more errors than is usual"),
    h("p", { class: "lead" }, `Found on one half of ${whole(DATA.num_rows)} examples and measured on the other, where ${rate(DATA.error_rate)} % are wrong. In `,
      foreign(DATA.directory, { class: "code" }), "."),
    ...(several && FOUND.some((one) => one.error_rate !== null)
      ? [figure("groups", allPlot(), "Examples of the group's class. Orange: its interval, or that of all examples in the region, lies above the errors elsewhere."),
        h("div", { class: "tools" },
          select("Show", Object.entries(SHOWN).map(([key, [word]]) => [key, word]), draw.only ?? "all", (value) => { draw.only = value; draw(); }),
          h("output", { id: "count" }, `${shown.length} of ${FOUND.length}; ${Object.keys(DECIDED).length} decided`))]
      : []),
    ...shown.map(group));
}

let lastWidth = MAIN.clientWidth;
window.addEventListener("resize", () => {
  if (MAIN.clientWidth === lastWidth || document.activeElement?.matches("input")) return;
  lastWidth = MAIN.clientWidth;
  draw();
});
draw();
document.documentElement.dataset.ready = "true";
