// Examples, whose features may be anything: text is shown as text, pixels as
// an image that can hold nothing else, and whatever is neither, by its size.

const PIXELS = /^data:image\/(png|jpeg|gif);base64,[A-Za-z0-9+/]+={0,2}$/;
const SHOWN_EXAMPLES = 12;

function shownValue(value) {
  if (typeof value.image === "string" && PIXELS.test(value.image))
    return h("img", { src: value.image, alt: "image of the example", class: "pixels" });
  if (typeof value.text === "string") {
    const cut = value.length > value.text.length;
    return [foreign(value.text, { class: "text" }),
      cut && h("small", {}, ` … ${whole(value.length)} characters in all`)];
  }
  if (Array.isArray(value.numbers)) {
    const more = value.size > value.numbers.length;
    const listed = value.numbers.map((one) => (one === null ? "not a number" : tickText(one))).join(", ");
    return h("span", { class: "code" }, listed,
      more && h("small", {}, ` … ${whole(value.size)} numbers, ${tickText(value.low)} to ${tickText(value.high)}`));
  }
  const what = value.format ? `An image (${value.format})` : "Binary data";
  return h("small", {}, `${what} of ${whole(value.binary)} bytes, not shown`);
}

function shownFeatures(features) {
  const all = Object.entries(features);
  if (all.length === 1) return h("div", { class: "value" }, shownValue(all[0][1]));
  return h("dl", {}, all.map(([name, value]) => [h("dt", {}, foreign(name)), h("dd", {}, shownValue(value))]));
}

const classTag = (word, value, tone = "") =>
  h("span", { class: `outcome ${tone}` }, word, " ", h("b", {}, String(value)));

const shortNumber = (value) => tickText(Number(value.toPrecision(4)));

const labelTag = (one) =>
  one.score === null ? classTag("target", shortNumber(one.label)) : classTag("label", one.label);

// Of a number: how far off, and whether the baseline is farther.
function numberCard(one) {
  const off = (value) => Math.abs(value - one.label);
  const known = one.baseline !== null && one.baseline !== undefined;
  const tone = known ? sideClass(Math.sign(off(one.baseline) - off(one.prediction))) : "";
  return h("li", { class: "example", "data-key": one.key },
    shownFeatures(one.features),
    h("p", { class: "outcomes" },
      labelTag(one), classTag("predicted", shortNumber(one.prediction), tone),
      h("small", {}, `off by ${shortNumber(off(one.prediction))}`),
      known && classTag("baseline", shortNumber(one.baseline))));
}

function exampleCard(one) {
  if (one.score === null) return numberCard(one);
  const right = one.prediction === one.label;
  return h("li", { class: "example", "data-key": one.key },
    shownFeatures(one.features),
    h("p", { class: "outcomes" },
      labelTag(one),
      classTag("predicted", one.prediction, right ? "up" : "down"),
      h("small", {}, `at ${(100 * one.score).toFixed(0)} %`),
      one.baseline !== null && one.baseline !== undefined &&
        classTag("baseline", one.baseline, one.baseline === one.label ? "up" : "down")));
}

// Examples in groups, one of which is open: [[word, examples], ...].
function exampleTabs(groups) {
  const full = groups.filter(([, examples]) => examples.length > 0);
  const holder = h("div", {});
  const open = (at, all = false) => {
    const [, examples] = full[at];
    const shown = all ? examples : examples.slice(0, SHOWN_EXAMPLES);
    holder.replaceChildren(
      h("div", { class: "choices", role: "group", "aria-label": "Kind of examples" },
        full.map(([word, of], i) => h("button", {
          type: "button", class: "quiet", "aria-pressed": String(i === at), "data-kind": word, onclick: () => open(i),
        }, `${word} `, h("small", {}, whole(of.length))))),
      h("ul", { class: "examples" }, shown.map(exampleCard)),
      shown.length < examples.length ? h("button", { type: "button", class: "quiet", "data-action": "more", onclick: () => open(at, true) },
        `Show all ${whole(examples.length)}`) : "");
  };
  if (!full.length) return h("p", { class: "key" }, "The sample holds none.");
  open(0);
  return holder;
}
