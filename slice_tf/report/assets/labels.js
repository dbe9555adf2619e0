// Which of several labels is shown, and the way to the others.

const labelOptions = () =>
  SERVED
    ? SERVED.labels.map(([file, label]) => [`/results?file=${encodeURIComponent(file)}`, label, file === SERVED.file])
    : PAGES.map((page, i) => [`?label=${i}`, page.results.data.label, page === PAGE]);

function labelPicker() {
  if (!R.data.label) return;
  const options = labelOptions();
  const here = options.find((one) => one[2])?.[0];
  // The view stays: the same slice, of another label.
  const open = (address) => { location.href = address + location.hash; };
  const picker = options.length > 1
    ? select("Label", options.map(([address, label]) => [address, label]), here, open)
    : h("span", { class: "field" }, h("span", {}, "Label"), " ", foreign(R.data.label));
  picker.id = "label";
  document.getElementById("theme").before(picker);
}
