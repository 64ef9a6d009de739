/** A table that can be sorted by each column and filtered by a word; long ones are shown in parts. */

import { make, refill, say, type Child } from "./dom";
import { count } from "./format";

export interface Column<Row> {
  title: string;
  /** What the column is sorted by and, without `cell`, what it shows. */
  value(row: Row): string | number | null;
  cell?(row: Row): Child;
  /** Right-aligned, and sorted from the largest first. */
  isNumber?: boolean;
  /** Said when the pointer rests on the heading. */
  hint?: string;
}

export interface TableOptions<Row> {
  /** What the table is of; read out before it. */
  caption: string;
  /** Distinguishes rows, so that focus stays where it was. */
  key(row: Row): string | number;
  /** What one row is called, for the count: `seat`. */
  noun: string;
  /** Said where there are no rows at all. */
  empty: string;
  /** Show a box that filters rows by their text. */
  canFilter?: boolean;
  /** So many rows are shown at first; by default 200. */
  first?: number;
  /** The column to sort by at first; by default rows stay in their order. */
  sortBy?: string;
}

const STEP = 200;

export class Table<Row> {
  readonly element = make("div", { class: "table" });
  readonly #columns: readonly Column<Row>[];
  readonly #options: TableOptions<Row>;
  readonly #head = make("tr");
  readonly #body = make("tbody");
  readonly #count = make("p", { class: "faint", role: "status" });
  readonly #more = make("button", { type: "button", on: { click: () => this.#showMore() } });
  readonly #filter = make("input", { type: "search", maxlength: 100, on: { input: () => this.#fill() } });
  #rows: readonly Row[] = [];
  #sortBy: Column<Row> | null;
  #isFalling: boolean;
  #limit: number;

  constructor(columns: readonly Column<Row>[], options: TableOptions<Row>) {
    this.#columns = columns;
    this.#options = options;
    this.#limit = options.first ?? STEP;
    this.#sortBy = columns.find((column) => column.title === options.sortBy) ?? null;
    this.#isFalling = this.#sortBy?.isNumber === true;
    const scroller = make(
      "div", { class: "scroller", tabindex: "0", role: "region", "aria-label": options.caption },
      make("table", {}, make("caption", { class: "unseen" }, options.caption), make("thead", {}, this.#head), this.#body),
    );
    if (options.canFilter) {
      this.element.append(make("label", { class: "filter" }, "Only rows with ", this.#filter));
    }
    this.element.append(scroller, this.#count, this.#more);
    this.#fillHead();
  }

  /** Show these rows; sorting, filter and how many are shown stay. */
  update(rows: readonly Row[]): void {
    this.#rows = rows;
    this.#fill();
  }

  #fillHead(): void {
    refill(this.#head, ...this.#columns.map((column) => {
      const isSorted = column === this.#sortBy;
      const arrow = isSorted ? (this.#isFalling ? " ▼" : " ▲") : "";
      return make(
        "th",
        { scope: "col", class: column.isNumber ? "number" : null, "aria-sort": isSorted ? (this.#isFalling ? "descending" : "ascending") : null },
        make(
          "button",
          { type: "button", class: "sort", title: column.hint, "data-key": `sort ${column.title}`, on: { click: () => this.#sort(column) } },
          column.title, make("span", { "aria-hidden": "true" }, arrow),
        ),
      );
    }));
  }

  #sort(column: Column<Row>): void {
    this.#isFalling = column === this.#sortBy ? !this.#isFalling : column.isNumber === true;
    this.#sortBy = column;
    this.#fillHead();
    this.#fill();
  }

  #showMore(): void {
    this.#limit += STEP;
    this.#fill();
  }

  #fill(): void {
    const asked = this.#filter.value.trim().toLowerCase();
    const found = asked === "" ? [...this.#rows] : this.#rows.filter((row) => this.#text(row).includes(asked));
    const by = this.#sortBy;
    if (by !== null) {
      const sign = this.#isFalling ? -1 : 1;
      found.sort((a, b) => sign * compare(by.value(a), by.value(b)));
    }
    refill(this.#body, ...found.slice(0, this.#limit).map((row) => this.#row(row)));
    say(this.#count, this.#describe(found.length));
    this.#more.hidden = found.length <= this.#limit;
    say(this.#more, `Show the next ${Math.min(STEP, found.length - this.#limit)}`);
  }

  #describe(found: number): string {
    const all = this.#rows.length;
    if (all === 0) {
      return this.#options.empty;
    }
    const shown = Math.min(found, this.#limit);
    const of = found === all ? count(all, this.#options.noun) : `${found} of ${count(all, this.#options.noun)}`;
    return shown < found ? `${of}; the first ${shown} are shown` : of;
  }

  #text(row: Row): string {
    return this.#columns.map((column) => {
      const cell = column.cell?.(row);
      return cell instanceof Node ? cell.textContent : (cell ?? column.value(row) ?? "");
    }).join(" ").toLowerCase();
  }

  #row(row: Row): HTMLTableRowElement {
    const key = this.#options.key(row);
    const cells = this.#columns.map((column, index) => {
      const shown = column.cell ? column.cell(row) : (column.value(row) ?? "–");
      const kind = column.isNumber ? "number" : null;
      return index === 0 ? make("th", { scope: "row", class: kind }, shown) : make("td", { class: kind }, shown);
    });
    const line = make("tr", { "data-row": key }, ...cells);
    line.querySelectorAll("a").forEach((link, index) => {
      link.setAttribute("data-key", `${key} ${index}`);
    });
    return line;
  }
}

function compare(a: string | number | null, b: string | number | null): number {
  if (a === null || b === null) {
    return a === b ? 0 : a === null ? -1 : 1;
  }
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
}
