// Tables of the results page are sorted by the column whose title is selected.

// The first number of a cell, or its text. A dash is a missing value.
function valueOf(row, column) {
  const text = row.cells[column].textContent.trim();
  const number = parseFloat(text);
  return text === "-" ? null : Number.isNaN(number) ? text : number;
}

function compare(first, second) {
  if (typeof first === "number" && typeof second === "number") return first - second;
  return String(first).localeCompare(String(second));
}

// Numbers begin with the largest, names with the first; missing values come last both ways.
function sortBy(table, column) {
  const title = table.tHead.rows[0].cells[column];
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => ({ row, value: valueOf(row, column) }));
  const known = rows.filter((entry) => entry.value !== null);
  const before = title.getAttribute("aria-sort");
  const numbers = known.some((entry) => typeof entry.value === "number");
  const descending = before ? before === "ascending" : numbers;
  known.sort((a, b) => compare(a.value, b.value) * (descending ? -1 : 1));
  const missing = rows.filter((entry) => entry.value === null);
  body.append(...[...known, ...missing].map((entry) => entry.row));
  for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
  title.setAttribute("aria-sort", descending ? "descending" : "ascending");
}

document.addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll("section#results table")) {
    [...table.tHead.rows[0].cells].forEach((title, column) => {
      const button = document.createElement("button");
      button.append(title.textContent.trim());
      button.addEventListener("click", () => sortBy(table, column));
      title.replaceChildren(button);
    });
  }
});
