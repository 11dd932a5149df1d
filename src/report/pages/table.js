"use strict";
// Sorts tables by their headings, and hides rows that do not hold what was typed. Reads and moves what is on the page.
(() => {
  const key = (row, at) => {
    const cell = row.cells[at];
    if (!cell) return "";
    return cell.dataset.sort === undefined ? cell.textContent.trim() : cell.dataset.sort;
  };
  const compare = (a, b) => {
    const x = Number(a), y = Number(b);
    if (a !== "" && b !== "" && !Number.isNaN(x) && !Number.isNaN(y)) return x - y;
    if (a === "" || b === "") return (a === "") - (b === "");
    return a < b ? -1 : a > b ? 1 : 0;
  };
  for (const table of document.querySelectorAll("table.sorts")) {
    const body = table.tBodies[0];
    [...table.tHead.rows[0].cells].forEach((head, at) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...body.rows].map((row) => [key(row, at), row]);
        rows.sort((a, b) => (down ? compare(b[0], a[0]) : compare(a[0], b[0])));
        body.append(...rows.map(([, row]) => row));
      });
    });
  }
  const tools = document.querySelector(".tools");
  if (tools) {
    const text = tools.querySelector("input");
    const choice = tools.querySelector("select");
    const said = tools.querySelector("[aria-live]");
    const rows = [...document.querySelectorAll("table.filters > tbody > tr")];
    let texts = null;
    const apply = () => {
      texts = texts || rows.map((row) => row.textContent.toLowerCase());
      const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, at) => {
        const is = words.every((word) => texts[at].includes(word)) && (!choice || !choice.value || row.dataset.group === choice.value);
        row.hidden = !is;
        shown += is;
      });
      for (const section of document.querySelectorAll("section.group")) {
        section.hidden = ![...section.querySelectorAll("table.filters > tbody > tr")].some((row) => !row.hidden);
      }
      said.textContent = shown + " of " + rows.length + " shown";
    };
    text.addEventListener("input", apply);
    if (choice) choice.addEventListener("change", apply);
    tools.hidden = false;
    apply();
  }
  addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details")) part.open = true;
  });
})();
