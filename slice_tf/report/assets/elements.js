// How elements are made, and the data that the page holds.

// Base64 of gzip of JSON, because that is small and means nothing to HTML.
async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(plain).json();
}

const DATA = await unpack(document.getElementById("data").textContent);
const SERVED = DATA.served ?? null;
if (SERVED) document.querySelector(".brand").href = "/";

const SVG = "http://www.w3.org/2000/svg";
const NOTHING = "–";

// Text becomes text nodes and nothing else: no string is ever read as HTML.
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false)
      element.append(child);
  }
  return element;
}

const h = (tag, attributes, ...children) =>
  fill(document.createElement(tag), attributes, children);

const s = (tag, attributes, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

// A sentence of ours: what stands between backticks is a command, and a number
// keeps its percent sign beside it.
const prose = (sentence) =>
  sentence.replace(/(\d) %/g, "$1\u00a0%").split("`")
    .map((part, i) => (i % 2 ? h("span", { class: "code" }, part) : part));

// Foreign text, kept from turning the direction of the text around it.
const foreign = (text, attributes) =>
  h("bdi", { dir: "auto", ...attributes }, String(text));

function select(label, options, value, onchange) {
  const list = h("select", { onchange: (event) => onchange(event.target.value) },
    options.map(([key, word]) =>
      h("option", { value: key, selected: key === value }, word)));
  return h("label", { class: "field" }, h("span", {}, label), list);
}

function say(text) {
  const said = document.getElementById("said");
  said.textContent = text;
  said.classList.add("shown");
  clearTimeout(say.timer);
  say.timer = setTimeout(() => said.classList.remove("shown"), 2500);
}

// A small table: headers and rows of cells, words to the left.
const WORDY = new Set(["Why", "Note", "Verdict"]);

function simpleTable(headers, rows, label) {
  const place = (i) => (i === 0 || WORDY.has(headers[i]) ? "" : "right");
  return h("div", { class: "scroll" }, h("table", { class: "small", "aria-label": label },
    h("thead", {}, h("tr", {}, headers.map((name, i) => h("th", { scope: "col", class: place(i) }, name)))),
    h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map((cell, i) =>
      i ? h("td", { class: place(i) }, cell) : h("th", { scope: "row" }, cell)))))));
}

const part = (title, ...children) => h("section", {}, h("h2", {}, title), children);
