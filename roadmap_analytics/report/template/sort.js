// Tables sort by a click on a column's head: numbers and ISO days by value, the rest as text.
for (const table of document.querySelectorAll("table.sortable")) {
  table.querySelectorAll("thead th").forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.querySelectorAll("th")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const body = table.tBodies[0];
      const text = (row) => row.cells[column].textContent.trim();
      const missing = (row) => text(row) === "–";
      const numeric = [...body.rows].every((row) => missing(row) || !isNaN(Number(text(row))));
      const order = (a, b) =>
        numeric ? Number(text(a)) - Number(text(b)) : text(a).localeCompare(text(b));
      const rows = [...body.rows].sort((a, b) =>
        missing(a) || missing(b)
          ? missing(a) - missing(b)
          : (down ? -1 : 1) * order(a, b));
      body.append(...rows);
    });
  });
}
