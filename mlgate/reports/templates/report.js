"use strict";
/* Filters and sorting. Everything is on the page without this; it makes no markup from text and asks for nothing. */
(() => {
  const byId = (id) => document.getElementById(id);
  const all = (selector, within) => Array.from((within || document).querySelectorAll(selector));
  const words = (input) => input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const soon = (act) => {
    let timer = 0;
    return () => { clearTimeout(timer); timer = setTimeout(act, 120); };
  };
  const texts = new WeakMap();
  const textOf = (node) => {
    if (!texts.has(node)) texts.set(node, node.textContent.toLowerCase());
    return texts.get(node);
  };
  const holds = (node, wanted) => wanted.every((word) => textOf(node).includes(word));
  const number = (value) => value.toLocaleString("en");

  const cards = all("article.card");
  if (cards.length > 1) {
    const bar = byId("filters"), text = byId("filter-text"), action = byId("filter-action"), rule = byId("filter-rule");
    const boxes = all("input[type=checkbox]", bar), shown = byId("filter-shown"), groups = all("details.group");
    const narrow = () => {
      const off = new Set(boxes.filter((box) => !box.checked).map((box) => box.value));
      const wanted = words(text);
      const active = off.size > 0 || wanted.length > 0 || action.value !== "" || rule.value !== "";
      let left = 0;
      for (const card of cards) {
        const data = card.dataset;
        card.hidden = off.has(data.severity) || (action.value !== "" && action.value !== data.action) ||
          (rule.value !== "" && rule.value !== data.rule) || !holds(card, wanted);
        if (!card.hidden) left += 1;
      }
      for (const group of groups) {
        const any = all("article.card", group).some((card) => !card.hidden);
        group.hidden = active && !any;
        if (active && any) group.open = true;
      }
      shown.textContent = active ? `Showing ${number(left)} of ${number(cards.length)} findings` : "";
      byId("filter-clear").hidden = !active;
    };
    bar.addEventListener("input", soon(narrow));
    byId("filter-clear").addEventListener("click", () => {
      text.value = action.value = rule.value = "";
      for (const box of boxes) box.checked = true;
      narrow();
      text.focus();
    });
    bar.hidden = false;
  }

  const rows = all("#inventory tbody tr");
  if (rows.length > 1) {
    const text = byId("inventory-text"), shown = byId("inventory-shown");
    const narrow = () => {
      const wanted = words(text);
      let left = 0;
      for (const row of rows) {
        row.hidden = !holds(row, wanted);
        if (!row.hidden) left += 1;
      }
      for (const part of all("#inventory details.part")) {
        part.hidden = all("tbody tr", part).every((row) => row.hidden);
        if (wanted.length && !part.hidden) part.open = true;
      }
      shown.textContent = wanted.length ? `Showing ${number(left)} of ${number(rows.length)} rows` : "";
    };
    text.addEventListener("input", soon(narrow));
    byId("inventory-filter").hidden = false;
  }

  const order = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const cell = (row, column) => row.cells[column].textContent.replace(/(\d),(?=\d{3})/g, "$1");
  for (const heading of all("#inventory th")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      const body = heading.closest("table").tBodies[0];
      for (const other of all("th", heading.parentNode)) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const column = heading.cellIndex;
      const keyed = Array.from(body.rows, (row) => [cell(row, column), row]);
      keyed.sort((a, b) => order.compare(a[0], b[0]) * (down ? -1 : 1));
      body.append(...keyed.map((pair) => pair[1]));
    });
  }
})();
