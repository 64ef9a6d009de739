/** How much of each seat's updates is in a model, round by round: a field for each seat and span of rounds. */

import type { Context } from "./context";
import { draw, make } from "./dom";
import { seatText } from "./seat";
import { Table } from "./table";

export interface Influence {
  /** First and last round of each. */
  spans: [number, number][];
  rows: { seat: number; values: number[] }[];
}

const LEFT = 64;
const TOP = 6;
const BOTTOM = 22;
const WIDE = 760;
const TALLEST = 22;
/** All rows together are not higher than this, as long as each has its least height. */
const ROOM = 900;
const LEAST = 5;

export function drawInfluence({ spans, rows }: Influence, context: Context): HTMLElement {
  if (spans.length === 0 || rows.length === 0) {
    return make("p", {}, "No update is in the model.");
  }
  const tall = Math.max(LEAST, Math.min(TALLEST, ROOM / rows.length));
  const broad = Math.min(60, (WIDE - LEFT) / spans.length);
  const length = spans[0]![1] - spans[0]![0] + 1;
  const most = Math.max(...rows.flatMap((row) => row.values), 1e-9);
  const height = TOP + rows.length * tall + BOTTOM;
  const width = LEFT + spans.length * broad + 8;
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, class: "influence", role: "img", "aria-label": "Coefficients by seat and round; the table below has the same" });
  const every = Math.max(1, Math.ceil(14 / tall));
  rows.forEach(({ seat, values }, row) => {
    const top = TOP + row * tall;
    if (row % every === 0) {
      svg.append(draw("text", { x: 0, y: top + tall / 2 + 4, class: "row" }, `seat ${seat}`));
    }
    values.forEach((value, column) => {
      if (value === 0) {
        return;
      }
      const field = draw("rect", { x: LEFT + column * broad, y: top, width: Math.max(1, broad - 1), height: Math.max(1, tall - 1), class: value < 0 ? "field back" : "field" });
      field.style.setProperty("--part", (Math.abs(value) / most).toFixed(3));
      const [first, last] = spans[column]!;
      field.append(draw("title", {}, `${seatText(context.store, seat)}, ${first === last ? `round ${first}` : `rounds ${first} to ${last}`}: ${value.toFixed(4)}`));
      svg.append(field);
    });
  });
  const step = Math.max(1, Math.ceil(spans.length / 12));
  spans.forEach(([first], column) => {
    if (column % step === 0) {
      svg.append(draw("text", { x: LEFT + column * broad, y: height - 6, class: "row" }, first));
    }
  });
  const added = length > 1 ? `, added up over spans of ${length} rounds` : "";
  return make(
    "div", {},
    make("p", {}, `The coefficients of each seat's updates in the model${added}: the stronger the colour, the more; empty where nothing of it is in the model. The most is ${most.toFixed(4)}.`),
    make("div", { class: "scroller pictured", role: "region", tabindex: "0", "aria-label": "Influence by seat and round" }, svg),
    asTable(spans, rows, context),
  );
}

function asTable(spans: [number, number][], rows: Influence["rows"], context: Context): HTMLElement {
  const table = new Table<Influence["rows"][number]>(
    [
      { title: "Seat", value: (row) => row.seat, cell: (row) => seatText(context.store, row.seat), isNumber: true },
      ...spans.map(([first, last], column) => ({
        title: first === last ? `${first}` : `${first}–${last}`,
        value: (row: Influence["rows"][number]) => row.values[column] ?? 0,
        cell: (row: Influence["rows"][number]) => (row.values[column] ? row.values[column].toFixed(4) : "·"),
        isNumber: true,
      })),
    ],
    { caption: "Coefficients by seat and round", key: (row) => row.seat, noun: "seat", empty: "Nobody." },
  );
  table.update(rows);
  return make("details", {}, make("summary", { "data-key": "influence as table" }, "The same as a table"), table.element);
}
