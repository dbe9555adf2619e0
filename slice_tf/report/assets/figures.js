// Figures that can be copied into a slide, and the parts they share.

const CHARACTER = 7.3; // Mean width of a character of 12 pixels.

const figureWidth = (most) => {
  const room = document.getElementById("main").clientWidth - 36;
  return Math.max(270, Math.min(most, room));
};

// From data to pixels.
function scale([from, to], [start, end]) {
  const factor = (end - start) / (to - from || 1);
  const map = (value) => start + (value - from) * factor;
  map.domain = [from, to];
  map.range = [start, end];
  map.clamped = (value) => map(Math.min(Math.max(value, from), to));
  return map;
}

// Round numbers from `from` to `to`, about `count` of them.
function ticks([from, to], count = 5) {
  const raw = (to - from) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 2.5, 5, 10].find((one) => one * power >= raw - 1e-12);
  const found = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + step * 1e-9; i += 1)
    found.push(Number((i * step).toPrecision(12)));
  return found;
}

const tickText = (value) => {
  const size = Number(Math.abs(value).toPrecision(6));
  return (value < 0 ? "−" : "") + (size >= 10_000 ? whole(size) : String(size));
};

// Long names differ at their end as often as at their start.
function cutName(name, most = 28) {
  if (name.length <= most) return name;
  const end = Math.floor(most / 3);
  return `${name.slice(0, most - 1 - end)}…${name.slice(-end)}`;
}

const text = (x, y, content, attributes) =>
  s("text", { x, y, ...attributes }, content);

const line = (x1, y1, x2, y2, attributes) =>
  s("line", { x1, y1, x2, y2, ...attributes });

function picture(width, height, title, ...children) {
  return s("svg", {
    class: "picture", role: "img", "aria-label": title, width, height,
    viewBox: `0 0 ${width} ${height}`,
  },
  s("rect", { class: "paper", width, height }),
  text(0, 15, title, { class: "title", ...(title.length * 7.8 > width ? { textLength: width, lengthAdjust: "spacingAndGlyphs" } : {}) }),
  ...children);
}

// Grid lines across, their numbers below and perhaps above, the axis's name
// under them.
function bottomAxis(x, top, bottom, name, { count = 5, form = tickText, above = false } = {}) {
  const middle = (x.range[0] + x.range[1]) / 2;
  return s("g", {},
    ticks(x.domain, count).map((value) => [
      line(x(value), top, x(value), bottom, { class: "grid" }),
      [bottom + 15, ...(above ? [top - 5] : [])].map((y) =>
        text(x(value), y, form(value), { class: "tick", "text-anchor": "middle" })),
    ]),
    text(middle, bottom + 32, name, { class: "axis", "text-anchor": "middle" }));
}

function leftAxis(y, left, right, name, { count = 4, form = tickText } = {}) {
  const middle = (y.range[0] + y.range[1]) / 2;
  return s("g", {},
    ticks(y.domain, count).map((value) => [
      line(left, y(value), right, y(value), { class: "grid" }),
      text(left - 6, y(value) + 4, form(value), { class: "tick", "text-anchor": "end" }),
    ]),
    name && text(0, 0, name, {
      class: "axis", "text-anchor": "middle",
      transform: `translate(12 ${middle}) rotate(-90)`,
    }));
}

// Marks and words, wrapped where the row is full. Returns [element, height].
function legend(x, y, width, entries) {
  const group = s("g", {});
  let [left, top] = [x, y];
  for (const [mark, word] of entries) {
    const wide = 26 + CHARACTER * word.length + 14;
    if (left > x && left + wide > x + width) [left, top] = [x, top + 18];
    group.append(
      s("g", { transform: `translate(${left} ${top})` }, mark(9, 0)),
      text(left + 24, top + 4, word, { class: "tick" }));
    left += wide;
  }
  return [group, top - y + 18];
}

const swatch = (style) => (x, y) =>
  s("rect", { x: x - 6, y: y - 6, width: 12, height: 12, class: style });

function figure(name, drawing, note) {
  const button = (word, action) =>
    h("button", { type: "button", class: "quiet", "data-action": word, onclick: action }, word);
  return h("figure", { "data-figure": name },
    h("div", { class: "scroll" }, drawing),
    h("figcaption", {},
      h("span", {}, note || ""),
      h("span", { class: "buttons" },
        button("Copy SVG", () => copyFigure(drawing)),
        button("Save SVG", () => saveFigure(drawing, name)))));
}

const INLINED = [
  "fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray",
  "stroke-opacity", "font-family", "font-size", "font-weight", "text-anchor",
];

// The drawing with its look written into it, so that it needs no style sheet.
function standalone(drawing) {
  const copy = drawing.cloneNode(true);
  const pairs = [[drawing, copy]];
  while (pairs.length) {
    const [from, to] = pairs.pop();
    const style = getComputedStyle(from);
    for (const name of INLINED) to.setAttribute(name, style.getPropertyValue(name));
    to.removeAttribute("class");
    [...from.children].forEach((child, i) => pairs.push([child, to.children[i]]));
  }
  copy.setAttribute("xmlns", SVG);
  return new XMLSerializer().serializeToString(copy);
}

async function copyFigure(drawing) {
  const source = standalone(drawing);
  try {
    await navigator.clipboard.writeText(source);
    say("Copied the figure as SVG.");
  } catch {
    saveFigure(drawing, "figure");
  }
}

function saveFigure(drawing, name) {
  const blob = new Blob([standalone(drawing)], { type: "image/svg+xml" });
  const url = URL.createObjectURL(blob);
  h("a", { href: url, download: `${name}.svg` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
  say(`Saved ${name}.svg.`);
}

const meter = (part) => s("svg", { class: "meter", width: 90, height: 10, "aria-hidden": "true" },
  s("rect", { width: 90, height: 10, rx: 2, class: "rail" }),
  s("rect", { width: 90 * Math.min(1, part), height: 10, rx: 2, class: "bar" }));
