// Telling the server what somebody said; a page in a file has none.

async function post(path, values) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Slice-Tf-Token": SERVED.token },
      body: JSON.stringify(values),
    });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.error);
    return told;
  } catch (error) {
    say(`Not saved: ${error.message}`);
    return null;
  }
}

function field(label, value, attributes = {}) {
  const many = attributes.rows;
  const input = h(many ? "textarea" : "input", { autocomplete: "off", ...attributes });
  input.value = value;
  return [h("label", { class: "field" }, h("span", {}, label), input), input];
}

const action = (word, onclick, attributes = {}) =>
  h("button", { type: "button", class: "quiet", "data-action": word, onclick, ...attributes }, word);
