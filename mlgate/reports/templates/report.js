// Filters of the report, and sorting of its tables. Without it everything is shown. It reads the page's text and
// changes nothing but `hidden`, `open` and the order of rows.
(() => {
  "use strict";
  const form = document.getElementById("filter");
  const told = document.getElementById("told");
  const groups = [...document.querySelectorAll("details.group")];
  const tables = [...document.querySelectorAll("details.table")];
  const opened = new Map([...groups, ...tables].map((part) => [part, part.open]));
  const text = new Map();
  for (const item of document.querySelectorAll("article, details.table tbody tr")) {
    text.set(item, item.textContent.toLowerCase());
  }
  const { words, severity, action } = form.elements;

  function apply() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const active = Boolean(wanted.length || severity.value || action.value);
    const has = (item) => wanted.every((word) => text.get(item).includes(word));
    let shown = 0;
    let all = 0;
    for (const group of groups) {
      let here = 0;
      for (const card of group.querySelectorAll("article")) {
        const match = has(card) && (!severity.value || card.dataset.severity === severity.value) &&
          (!action.value || group.dataset.action === action.value);
        card.hidden = !match;
        here += match;
        all += 1;
      }
      shown += here;
      group.hidden = active && !here;
      group.open = active ? here > 0 : opened.get(group);
    }
    for (const table of tables) {
      let here = 0;
      for (const row of table.querySelectorAll("tbody tr")) {
        row.hidden = !has(row);
        here += !row.hidden;
      }
      table.hidden = wanted.length > 0 && !here;
      table.open = wanted.length > 0 ? here > 0 : opened.get(table);
    }
    told.textContent = active ? `${shown.toLocaleString("en")} of ${all.toLocaleString("en")} findings` : "";
    const state = new URLSearchParams();
    for (const field of [words, severity, action]) if (field.value) state.set(field.name, field.value);
    const hash = state.toString();
    if (hash !== location.hash.slice(1)) history.replaceState(null, "", hash ? `#${hash}` : location.pathname);
  }

  function restore() {
    const state = new URLSearchParams(location.hash.slice(1));
    for (const field of [words, severity, action]) field.value = state.get(field.name) ?? "";
    apply();
  }

  function sort(button) {
    const cell = button.parentElement;
    const body = cell.closest("table").tBodies[0];
    const down = cell.getAttribute("aria-sort") === "ascending";
    for (const other of cell.parentElement.cells) other.removeAttribute("aria-sort");
    cell.setAttribute("aria-sort", down ? "descending" : "ascending");
    const of = (row) => row.cells[cell.cellIndex].textContent;
    const order = new Intl.Collator("en", { numeric: true }).compare;
    const rows = [...body.rows].sort((a, b) => (down ? order(of(b), of(a)) : order(of(a), of(b))));
    body.append(...rows);
  }

  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const button of document.querySelectorAll("th button")) {
    button.disabled = false;
    button.addEventListener("click", () => sort(button));
  }
  addEventListener("hashchange", restore);
  addEventListener("beforeprint", () => { for (const part of opened.keys()) part.open = !part.hidden; });
  addEventListener("afterprint", apply);
  restore();
})();
