// An audit: does an example belong to the slice? Whoever answers does not see
// what the slicing function said, nor what the model predicted.

const AUDIT_GOAL = 50;
const undone = []; // Keys answered or skipped since the page was opened.
const skipped = new Set();

const distinct = (places) => [...new Map(places.map((place) => [SAMPLE.examples[place].key, SAMPLE.examples[place]])).values()];

// Sampled examples inside and outside of a slice, at random.
function auditSample(name) {
  const index = SLICES.findIndex((one) => one.name === name);
  const apart = (place) => !SAMPLE.examples[place].slices.includes(index) && !SAMPLE.examples[place].unknown.includes(index);
  return [distinct(SAMPLE.members[name] ?? []), distinct((SAMPLE.members[BASE.name] ?? []).filter(apart))]
    .map((some) => some.slice(0, AUDIT_GOAL));
}

const answersOf = (name) => REVIEW.audits[name] ?? {};
const answeredIn = (examples, answers) => examples.filter((one) => one.key in answers);

// One from each side in turn, which first by chance, so that nothing gives away
// what the slicing function said.
function nextToAudit(name) {
  const sides = auditSample(name);
  const order = [];
  for (let i = 0; i < Math.max(...sides.map((side) => side.length)); i += 1) {
    const pair = sides.map((side) => side[i]).filter(Boolean);
    order.push(...(pair.length > 1 && pair[0].key < pair[1].key ? pair.reverse() : pair));
  }
  const answers = answersOf(name);
  const open = order.filter((one) => !(one.key in answers));
  return open.find((one) => !skipped.has(`${name} ${one.key}`)) ?? null;
}

async function answer(name, key, belongs, step = 1) {
  const told = await post("/api/audit", { file: SERVED.file, slice: name, key, belongs });
  if (!take(told)) return;
  if (step > 0) undone.push([name, key]);
  show();
}

function skip(name, key) {
  skipped.add(`${name} ${key}`);
  undone.push([name, key]);
  show();
}

function undo(name) {
  const at = undone.findLastIndex(([slice]) => slice === name);
  if (at < 0) return say("There is nothing to undo.");
  const [[, key]] = undone.splice(at, 1);
  if (skipped.delete(`${name} ${key}`)) return show();
  return answer(name, key, null, 0);
}

function auditTable(one) {
  const audited = one.audited;
  const row = (word, metric, unit = "%") => [word, numberCell(metric, unit), whole(metric.n)];
  const corrected = NUMBERS ? ["mae", "rmse", "bias"] : ["accuracy"];
  return simpleTable(["", NUMBERS ? "Value" : "Value, %", "n"], [
    ...corrected.flatMap((name) => [
      row(`${wordOf(name)}, as the slicing function sees it`, one.metrics[name], unitOf(name)),
      ...(audited ? [row(h("b", {}, `${wordOf(name)} among all that belong`), audited[name], unitOf(name))] : []),
    ]),
    ...(audited ? [
      row(`members that belong${NUMBERS ? ", %" : ""}`, audited.precision),
      row(`others that belong${NUMBERS ? ", %" : ""}`, audited.missed),
    ] : []),
  ], "Audit");
}

const canAudit = () => SERVED !== null && SAMPLE !== null;

function auditHint(name) {
  if (canAudit()) return h("p", {}, h("a", { href: `#/audit/${name}`, class: "quiet", "data-action": "audit" }, "Audit this slice"));
  if (SAMPLE === null) return h("p", { class: "key" }, "To audit a slice, evaluate with ", h("span", { class: "code" }, "--examples 50"), " and open the results with ", h("span", { class: "code" }, "slice-tf ui"), ".");
  return h("p", { class: "key" }, "To audit this slice, open these results with ", h("span", { class: "code" }, "slice-tf ui"), ".");
}

function progress(word, done, all) {
  return h("div", { class: "progress" }, h("span", {}, word), meter(all ? done / all : 0), h("small", {}, `${done} of ${all}`));
}

function auditPage(name) {
  const one = SLICES.find((slice) => slice.name === name);
  if (!one || !canAudit()) return slicePage(name);
  const [inside, outside] = auditSample(name);
  const answers = answersOf(name);
  const example = nextToAudit(name);
  const key = (word, letter, act, tone = "") => h("button", {
    type: "button", class: `big ${tone}`, "data-action": word, "aria-keyshortcuts": letter, onclick: act,
  }, word, " ", h("kbd", {}, letter.toUpperCase()));
  return [
    h("div", { class: "crumbs" }, h("a", { href: "#/" }, "Overview"), h("span", {}, "/"), h("a", { href: `#/slice/${name}` }, name)),
    h("h1", {}, "Does this belong to ", h("em", {}, name), "?"),
    FACTS.get(name)?.description && h("p", { class: "lead" }, foreign(FACTS.get(name).description)),
    h("div", { class: "audit" },
      h("section", { class: "question", "data-key": example?.key },
        example ? [
          h("div", { class: "asked" }, shownFeatures(example.features), h("p", { class: "outcomes" }, labelTag(example))),
          h("div", { class: "answers" },
            key("Yes", "y", () => answer(name, example.key, true)),
            key("No", "n", () => answer(name, example.key, false)),
            key("Skip", "s", () => skip(name, example.key), "calm"),
            key("Undo", "u", () => undo(name), "calm")),
        ] : [h("p", { class: "done" }, "Every sampled example is answered or skipped. Thank you."),
          h("div", { class: "answers" }, key("Undo", "u", () => undo(name), "calm"), h("a", { class: "big calm", href: `#/slice/${name}` }, "Back to the slice"))]),
      h("section", { class: "so-far" },
        progress("said to be members", answeredIn(inside, answers).length, inside.length),
        progress("said to be others", answeredIn(outside, answers).length, outside.length),
        auditTable(one),
        h("p", { class: "key" },
          `Which of the two an example is stays hidden, so that it cannot sway the answer. From ${R.floor} answers of either kind on there are numbers with 95 % intervals; they assume that the slicing function errs no more often where the model does.`))),
  ];
}

function onAuditKey(key, name) {
  const example = nextToAudit(name);
  if (key === "u") return undo(name);
  if (!example) return null;
  if (key === "y" || key === "n") return answer(name, example.key, key === "y");
  return key === "s" ? skip(name, example.key) : null;
}
