// Light or dark, as the system has it until somebody says otherwise.

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  const button = document.getElementById("theme");
  const other = theme === "dark" ? "light" : "dark";
  button.replaceChildren(other === "dark" ? "Dark" : "Light");
  button.setAttribute("aria-label", `Switch to the ${other} theme`);
  button.onclick = () => setTheme(other);
}

setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
