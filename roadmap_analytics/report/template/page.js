// Tables sort by a click on a column's head, are filtered by the columns marked for it, and can be
// saved. Nothing here asks the network: a saved file is made in the page.
const missing = (text) => text === "–";
// "7 %", "<1 %" and ">99 %" sort by value, between the whole percentages.
const amount = (text) => {
  const share = /^([<>]?)(\d+) %$/.exec(text);
  return share ? Number(share[2]) + { "<": -0.5, ">": 0.5, "": 0 }[share[1]] : Number(text);
};

function sortable(table) {
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
      const numeric = [...body.rows].every((row) => missing(text(row)) || !isNaN(amount(text(row))));
      // Numbers and ISO days by value, the rest as text; what is missing stays last.
      const order = (a, b) =>
        numeric ? amount(text(a)) - amount(text(b)) : text(a).localeCompare(text(b));
      const rows = [...body.rows].sort((a, b) =>
        missing(text(a)) || missing(text(b))
          ? missing(text(a)) - missing(text(b))
          : (down ? -1 : 1) * order(a, b));
      body.append(...rows);
    });
  });
}

// What is chosen stands in the address (#assignees=ada&milestone=Harvest): a link leads to it, a
// reload keeps it, and every table of the page that has such a column follows.
function chosen() {
  const all = new URLSearchParams(location.hash.slice(1));
  all.delete("all");
  return all;
}

function choose(name, value) {
  const all = chosen();
  if (value === "") all.delete(name);
  else all.set(name, value);
  // Not as a step of the history. "#" alone would scroll to the top of the page.
  location.replace("#" + (all.toString() || "all"));
}

function toolbar(table) {
  const bar = document.createElement("div");
  bar.className = "toolbar";
  const rows = [...table.tBodies[0].rows];
  const filters = [];
  const count = document.createElement("output");
  const apply = () => {
    const active = filters.filter(({ select }) => select.value !== "");
    let shown = 0;
    for (const row of rows) {
      row.hidden = !active.every(({ select, values }) => values(row).includes(select.value));
      shown += !row.hidden;
    }
    const what = active.map(({ name, select }) => `${name}: ${select.selectedOptions[0].text}`);
    count.textContent = what.length ? `${shown} of ${rows.length} (${what.join(", ")})` : "";
    bar.classList.toggle("chosen", what.length > 0);
  };
  const follow = () => {
    const all = chosen();
    for (const { select, name } of filters) {
      const value = all.get(name) ?? "";
      // A person without a row in this table: none is shown, and the list says why.
      if (![...select.options].some((option) => option.value === value)) select.append(new Option(value));
      select.value = value;
    }
    apply();
  };
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    if (!head.classList.contains("filter")) return;
    const name = head.textContent.trim();
    const text = (row) => row.cells[column].textContent.trim();
    // A title may have a comma of its own; names of people are listed with commas.
    const values = head.classList.contains("whole") ? (row) => [text(row)] : (row) => text(row).split(", ");
    const label = document.createElement("label");
    label.textContent = name + " ";
    const select = document.createElement("select");
    select.append(new Option("all", ""));
    for (const value of [...new Set(rows.flatMap(values))].sort((a, b) => missing(a) - missing(b) || a.localeCompare(b)))
      select.append(new Option(missing(value) ? "none" : value, value));
    select.addEventListener("change", () => {
      choose(name, select.value);
      apply();
    });
    label.append(select);
    bar.append(label);
    filters.push({ select, name, values });
  });
  const csv = document.createElement("button");
  csv.type = "button";
  csv.textContent = "CSV";
  csv.title = "Save the rows shown as a CSV file";
  csv.addEventListener("click", () => save(csvOf(table), "text/csv", fileName(table.caption) + ".csv"));
  bar.append(csv, count);
  table.before(bar);
  if (!filters.length) return;
  addEventListener("hashchange", follow);
  follow();
}

function csvOf(table) {
  const lines = [table.tHead.rows[0], ...table.tBodies[0].rows].filter((row) => !row.hidden);
  const quoted = (cell) => {
    let text = cell.textContent.trim();
    if (missing(text)) text = "";
    // A spreadsheet would run a title that begins like a formula.
    if (/^[=+\-@\t\r]/.test(text) && isNaN(Number(text))) text = "'" + text;
    return `"${text.replaceAll('"', '""')}"`;
  };
  // The byte order mark tells spreadsheets that this is UTF-8.
  return "\ufeff" + lines.map((row) => [...row.cells].map(quoted).join(",")).join("\r\n") + "\r\n";
}

function fileName(caption) {
  const words = (caption ? caption.textContent : document.title).toLowerCase().match(/[a-z0-9]+/g) || ["table"];
  return words.slice(0, 6).join("-");
}

function save(content, type, name) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const anchor = document.createElement("a");
  anchor.href = address;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

for (const table of document.querySelectorAll("table.sortable")) {
  toolbar(table); // before sortable: the heads still hold plain text
  sortable(table);
}

// What a chart says on hover can be read by keyboard and touch as well: arrow keys go from mark to
// mark, in the order of the time axis; the words stand below the chart.
function speaking(chart, words) {
  const marks = [...chart.querySelectorAll("g > title")].map((title) => title.parentElement);
  if (!marks.length) return;
  const place = (mark) => mark.getBoundingClientRect().left;
  let order; // measured at the first use: a chart out of sight has no places
  let at = -1;
  const show = (mark) => {
    chart.querySelector(".current")?.classList.remove("current");
    mark?.classList.add("current");
    words.textContent = mark ? mark.querySelector("title").textContent : "";
  };
  const ordered = () => (order ??= marks.toSorted((a, b) => place(a) - place(b)));
  chart.tabIndex = 0;
  chart.addEventListener("keydown", (event) => {
    const last = marks.length - 1;
    const step = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last }[event.key];
    if (event.key === "Escape") {
      at = -1;
      show(null);
    }
    if (step === undefined) return;
    event.preventDefault(); // or the page would scroll
    at = Math.min(Math.max(step, 0), last);
    show(ordered()[at]);
    ordered()[at].scrollIntoView({ block: "nearest", inline: "nearest" });
  });
  chart.addEventListener("click", (event) => {
    const mark = event.target.closest("g:has(> title)");
    at = ordered().indexOf(mark);
    show(mark);
  });
  chart.addEventListener("blur", () => show(null));
}

// A chart saved is a file of its own: for white paper, its text still text.
function saved(chart) {
  const copy = chart.cloneNode(true);
  copy.removeAttribute("tabindex");
  copy.querySelector(".current")?.removeAttribute("class");
  return new XMLSerializer().serializeToString(copy);
}

document.querySelectorAll("figure.chart").forEach((figure, number) => {
  const charts = figure.querySelectorAll(":scope > svg"); // the second one is for phones
  const button = document.createElement("button");
  button.type = "button";
  button.className = "save";
  button.textContent = "SVG";
  button.title = "Save this chart as an SVG file";
  const name = `${fileName(null)}-${number + 1}.svg`;
  button.addEventListener("click", () => save(saved(charts[0]), "image/svg+xml", name));
  const words = document.createElement("output");
  words.className = "words";
  for (const chart of charts) speaking(chart, words);
  figure.append(words, button);
});
