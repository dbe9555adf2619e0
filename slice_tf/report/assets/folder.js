// The first page of a directory: results, discovery runs, traffic to open.

const MAIN = document.getElementById("main");

const fileLine = (name, href, broken, ...lines) =>
  h("li", { class: `file ${broken ? "broken" : ""}`, "data-file": name },
    broken ? h("b", {}, foreign(name)) : h("a", { href }, foreign(name)), lines);

const place = (word, path) => path ? [`${word} `, foreign(path, { class: "code" }), " · "] : null;

function resultsLine(one) {
  if (one.error) return fileLine(one.name, "", true, h("p", {}, foreign(one.error)));
  return fileLine(one.name, `/results?file=${encodeURIComponent(one.name)}`, false,
    h("p", {}, one.headline),
    h("small", {},
      one.label && [foreign(one.label, { class: "code" }), " of several labels; "],
      `${whole(one.num_slices)} slices, ${whole(one.num_examples)} examples; ${one.has_examples ? "a sample of examples to look at and audit" : "no examples kept"}`,
      one.audited > 0 && `; ${whole(one.audited)} audited`),
    h("small", {}, place("model", one.model), place("data", one.data), `changed ${new Date(1000 * one.changed).toLocaleString()}`));
}

function runLine(one) {
  if (one.error) return fileLine(one.name, "", true, h("p", {}, foreign(one.error)));
  return fileLine(one.name, `/discovery?run=${encodeURIComponent(one.name)}`, false,
    h("p", {}, `${whole(one.found)} groups of errors, ${whole(one.holding)} of which hold up; ${whole(one.decided)} decided.`));
}

function trafficLine(one) {
  if (one.error) return fileLine(one.name, "", true, h("p", {}, foreign(one.error)));
  return fileLine(one.name, `/traffic?file=${encodeURIComponent(one.name)}`, false,
    h("p", {}, one.headline),
    h("small", {}, `${whole(one.requests)} requests with ${whole(one.examples)} examples${one.windows > 1 ? `, in ${whole(one.windows)} windows of time` : ""}; changed ${new Date(1000 * one.changed).toLocaleString()}`));
}

const command = (text) => h("p", { class: "key" }, "None yet. They come from ", h("span", { class: "code" }, text), ".");

MAIN.replaceChildren(
  h("h1", {}, "What is there to review"),
  h("p", { class: "lead" }, "In ", foreign(DATA.directory, { class: "code" })),
  h("h2", {}, "Results"),
  DATA.files.length ? h("ul", { class: "files" }, DATA.files.map(resultsLine)) : command("slice-tf evaluate --output results.json"),
  h("h2", {}, "Discovery"),
  DATA.runs.length ? h("ul", { class: "files" }, DATA.runs.map(runLine)) : command("slice-tf discover --output-dir discovered"),
  h("h2", {}, "Monitoring"),
  DATA.traffic.length ? h("ul", { class: "files" }, DATA.traffic.map(trafficLine)) : command("slice-tf monitor --output traffic.json"));
document.documentElement.dataset.ready = "true";
