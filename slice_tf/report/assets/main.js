// Which view is shown, keys, and the theme.

const VIEWS = [["", "Overview", overview], ["compare", "Compare", comparePage], ["functions", "Functions", functionsPage]];
const MAIN = document.getElementById("main");

// Names of slices need no escapes, so an address with some is none of ours.
const route = () => location.hash.replace(/^#\/?/, "");

function draw() {
  const path = route();
  if (path.startsWith("slice/")) return slicePage(path.slice("slice/".length));
  if (path.startsWith("audit/")) return auditPage(path.slice("audit/".length));
  return (VIEWS.find(([key]) => key === path) ?? VIEWS[0])[2]();
}

function show() {
  let view;
  try {
    view = draw();
  } catch (error) {
    console.error(error);
    view = [h("h1", {}, "This view cannot be drawn"), h("p", {}, foreign(error.message))];
  }
  MAIN.replaceChildren(...[view].flat(Infinity).filter((one) => one));
  const path = route();
  document.getElementById("tabs").replaceChildren(...VIEWS.map(([key, word]) =>
    h("a", { href: `#/${key}`, "aria-current": key === path ? "page" : null }, word)));
}

function go() {
  show();
  window.scrollTo(0, 0);
  MAIN.focus({ preventScroll: true });
}

function moveRow(step) {
  const links = [...MAIN.querySelectorAll("tbody a.slice")];
  const at = links.indexOf(document.activeElement);
  const next = links[Math.min(links.length - 1, Math.max(0, at + step))];
  next?.focus();
  next?.closest("tr").scrollIntoView({ block: "nearest" });
}

function onKey(event) {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    const filter = document.getElementById("filter");
    if (filter && table.text) { table.text = ""; show(); } else if (typing) event.target.blur();
    else if (route().startsWith("audit/")) location.hash = `#/slice/${route().slice("audit/".length)}`;
    else if (route()) location.hash = "#/";
    return;
  }
  if (typing) {
    if (event.key === "ArrowDown" && event.target.id === "filter") { event.preventDefault(); moveRow(1); }
    return;
  }
  const path = route();
  if (path.startsWith("audit/") && canAudit() && !event.repeat) onAuditKey(event.key.toLowerCase(), path.slice("audit/".length));
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (event.key === "/") {
    event.preventDefault();
    if (path) location.hash = "#/";
    requestAnimationFrame(() => document.getElementById("filter")?.focus());
  } else if (step && path.startsWith("slice/")) {
    const target = neighbour(path.slice("slice/".length), step);
    if (target) location.hash = `#/slice/${target}`;
  } else if (["ArrowDown", "ArrowUp"].includes(event.key) && document.activeElement?.matches("a.slice")) {
    event.preventDefault();
    moveRow(event.key === "ArrowDown" ? 1 : -1);
  }
}

function foot() {
  const place = (word, path) => path && [h("span", {}, word), " ", foreign(path, { class: "code" }), " "];
  document.getElementById("foot").append(
    h("p", {}, place("Data", R.data.path), place("Model", R.model.path), PAIRED && place("Baseline", R.baseline.path)),
    h("p", {}, `Data fingerprint ${R.data.fingerprint}; `, foreign(R.created_by), ". Keys: ",
      h("kbd", {}, "/"), " filter, ", h("kbd", {}, "↑"), h("kbd", {}, "↓"), " slices, ",
      h("kbd", {}, "←"), h("kbd", {}, "→"), " previous and next slice, ", h("kbd", {}, "Esc"), " back."));
}

let lastWidth = MAIN.clientWidth;
window.addEventListener("resize", () => {
  clearTimeout(show.timer);
  show.timer = setTimeout(() => {
    if (MAIN.clientWidth === lastWidth) return;
    lastWidth = MAIN.clientWidth;
    if (document.activeElement?.id !== "filter") show();
  }, 150);
});
window.addEventListener("hashchange", go);
document.addEventListener("keydown", onKey);
foot();
labelPicker();
show();
document.documentElement.dataset.ready = "true";
