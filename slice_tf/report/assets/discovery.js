// Groups of errors that a discovery run found, and what to do with each.

const MAIN = document.getElementById("main");
const FOUND = DATA.slices;
let DECIDED = DATA.decided;
const LABEL_BINS = 20;

const rate = (value) => plain(value, "%");

// Bars inside, outline outside: the probability that the label got.
function labelPlot(one) {
  const width = figureWidth(420);
  const [left, high] = [46, 120];
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

function factsOf(one) {
  const held = one.error_rate === null ? "no held-out example lies in it"
    : [h("b", { class: one.holds_up ? "down" : "" }, `${rate(one.error_rate)} %`), ` (${rate(one.low)} to ${rate(one.high)}) of ${whole(one.size)}`];
  return h("dl", {}, [
    ["held-out errors", held],
    ["errors elsewhere", `${rate(one.rest_error_rate)} %`],
    ["after shrinkage", `${rate(one.shrunken_error_rate)} %`],
    ["where it was found", `${rate(one.found_error_rate)} %, which flatters`],
  ].map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

// What describes a group: its rule, what separates it, phrases.
function wordsOf(one) {
  const { rule, separations = [], phrases = [] } = one;
  const share = (told) => (told.value === null ? "unknown" : `${rate(told.value)} % (${rate(told.low)} to ${rate(told.high)})`);
  return [
    rule && h("p", {}, h("b", {}, "Rule: "), foreign(rule.text), `. Of ${whole(rule.size)} held-out examples that it takes, ${share(rule.precision)} lie in the group and ${share(rule.error_rate)} are wrong; it takes ${share(rule.recall)} of the group.`),
    separations.length > 0 && h("ul", {}, separations.map((told) => h("li", {}, foreign(told.condition),
      `: ${plain(told.inside, "%")} % inside, ${plain(told.outside, "%")} % outside, ${told.lift.toFixed(1)} times as often (${told.low.toFixed(1)} to ${told.high.toFixed(1)})`))),
    phrases.length > 0 && h("p", {}, h("b", {}, "Like: "), foreign(phrases.map((told) => told.text).join("; "))),
  ];
}

async function decide(values) {
  const told = await post("/api/discovery", { run: SERVED.run, ...values });
  if (!told) return;
  DECIDED = told.decided;
  draw();
  say("Saved.");
}

const chosen = new Set(); // Groups to be accepted as one.

function acceptForm(one) {
  const also = [...chosen].filter((name) => name !== one.name && !DECIDED[name]);
  const [name, named] = field("Name of the new slice", "", { name: "name", placeholder: "small_print", spellcheck: "false" });
  const [feature, fed] = field(one.rule ? "Feature to embed; empty for the rule" : "Feature that is the embedding, or is encoded", draw.feature ?? "", { name: "feature", spellcheck: "false" });
  const [encoder, path] = field("Encoder, if any: module:function", draw.encoder ?? "", { name: "encoder", spellcheck: "false" });
  const together = FOUND.filter((other) => other !== one && !DECIDED[other.name]);
  return [
    h("div", { class: "form" }, name, feature, encoder),
    together.length > 0 && h("p", { class: "key" }, "Together with ", together.map((other) => h("label", { class: "check" },
      h("input", { type: "checkbox", checked: chosen.has(other.name), "data-with": other.name,
        onchange: (event) => { chosen[event.target.checked ? "add" : "delete"](other.name); } }), " ", other.name, " "))),
    h("div", { class: "answers" },
      action("Accept", () => {
        [draw.feature, draw.encoder] = [fed.value, path.value];
        const found = [one.name, ...together.filter((other) => chosen.has(other.name)).map((other) => other.name)];
        return decide({ act: "accept", found, name: named.value, feature: fed.value, encoder: path.value });
      }, { class: "big" }),
      action("Reject", () => decide({ act: "reject", found: [one.name] }), { class: "big calm" })),
    also.length > 0 && h("p", { class: "key" }, `Accepted as one with ${also.join(", ")}.`),
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
  return h("section", { class: `found ${decision?.state ?? ""}`, "data-found": one.name },
    h("h2", {}, decision?.name ?? one.name,
      h("span", { class: `badge ${one.holds_up ? "hot" : ""}` }, one.holds_up ? "holds up" : "does not hold up"),
      decision && h("span", { class: "badge" }, decision.state)),
    one.description && h("p", { class: "lead" }, foreign(one.description)),
    wordsOf(one),
    h("div", { class: "columns" },
      h("div", {}, factsOf(one), decision ? outcome(one, decision) : acceptForm(one)),
      one.scores?.length === 2 && figure(`${one.name}-scores`, labelPlot(one), "Each adds up to 100 %.")),
    one.examples.length > 0 && [h("h3", {}, "Nearest examples"), h("ul", { class: "examples" }, one.examples.map(exampleCard))]);
}

function draw() {
  const holding = FOUND.filter((one) => one.holds_up).length;
  MAIN.replaceChildren(
    h("div", { class: "crumbs" }, h("a", { href: "/" }, "All results and runs")),
    h("h1", {}, FOUND.length ? `${whole(FOUND.length)} groups of errors, ${whole(holding)} of which hold up` : "No group has more errors than is usual"),
    h("p", { class: "lead" }, `Found on one half of ${whole(DATA.num_rows)} examples and measured on the other, where ${rate(DATA.error_rate)} % are wrong. In `,
      foreign(DATA.directory, { class: "code" }), "."),
    ...FOUND.map(group));
}

let lastWidth = MAIN.clientWidth;
window.addEventListener("resize", () => {
  if (MAIN.clientWidth === lastWidth || document.activeElement?.matches("input")) return;
  lastWidth = MAIN.clientWidth;
  draw();
});
draw();
document.documentElement.dataset.ready = "true";
