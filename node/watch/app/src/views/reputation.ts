/** How reputations went: the band of all seats, the seats chosen, and the floor below which a seat is quarantined. */

import type { Reputations, Seat } from "../api";
import type { View } from "../context";
import { make, refill } from "../dom";
import { count, list } from "../format";
import { Plot, type Line } from "../plot";
import { address, replaceAddress } from "../router";
import { chosenName, seatText } from "../seat";
import { lineStyle } from "../theme";

const FULL = 65535;
const POINTS = 1000;
/** More seats than these are drawn with fewer points: the peaks stay, and so does the speed. */
const MANY = 48;
const POINTS_OF_MANY = 300;
/** At first the seats lowest in reputation are shown, so many. */
const FIRST = 2;
const SETTLE_MS = 150;

export const reputation: View = {
  title: "Reputation",
  path: "reputation",
  async show(root, context, { query }) {
    const { floor } = context.circle;
    root.append(make("p", {}, `A seat's reputation lies between 0 and 1 and follows from the verdicts on its updates; here it is shown as each round opens. Below the floor of ${floor.toFixed(3)} it is quarantined: others mix it in no more.`));
    const seats = await context.seats();
    if (seats.length === 0) {
      root.append(make("p", {}, "Nobody has a seat yet."));
      return;
    }
    const named = query.get("seats");
    const chosen = new Set(named === null ? lowest(seats) : named.split(",").filter((part) => /^\d{1,3}$/.test(part)).map(Number));
    let range: [number, number] | null = null;
    let settling: ReturnType<typeof setTimeout> | undefined;

    const plot = new Plot({
      label: "Reputation of the chosen seats as each round opens, and the least, the median and the most of all", xLabel: "round", yLabel: "reputation",
      height: 380, range: [0, 1], format: (value) => value.toFixed(3), floor: { value: floor, label: `floor ${floor.toFixed(3)}` },
      onZoom: (to) => {
        range = to;
        clearTimeout(settling);
        settling = setTimeout(() => void refresh(), SETTLE_MS);
      },
    }, context.signal);
    const picker = makePicker(seats, chosen, () => {
      replaceAddress(address("reputation", [], { seats: [...chosen].sort((a, b) => a - b).join(",") }));
      void refresh();
    });
    root.append(picker);
    const refresh = context.follow(root, () => context.get<Reputations>(pathOf(chosen, range)), (box, value) => {
      if (value.rounds.length === 0) {
        refill(box, make("p", {}, "No round is settled yet, so every reputation is the one it began with."));
        return;
      }
      if (!plot.element.isConnected) {
        refill(box, plot.element);
      }
      const lines: Line[] = [
        { label: "least of all", values: scaled(value.band.least), colour: "grey", width: 1 },
        { label: "most of all", values: scaled(value.band.most), colour: "grey", width: 1, isBand: true },
        { label: "median of all", values: scaled(value.band.median), colour: "ink", width: 2, dash: [2, 2] },
      ];
      const shown = Object.keys(value.seats).map(Number).filter((seat) => chosen.has(seat)).sort((a, b) => a - b);
      shown.forEach((seat, index) => {
        const line: Line = { label: seatText(context.store, seat), values: scaled(value.seats[seat] ?? []) };
        const style = lineStyle(index);
        lines.push(shown.length <= 8 ? { ...line, ...style } : { ...line, colour: style.colour, dash: [], width: 1 });
      });
      plot.update(value.rounds, lines, [1, Math.max(1, lastOf(value, range, context.now.round))]);
    }, "the reputations");
  },
};

let wholeLast = 1;

/** The last round there is a reputation of: of the whole answer, or as it was before zooming. */
function lastOf(value: Reputations, range: [number, number] | null, round: number): number {
  if (range === null) {
    wholeLast = value.rounds.at(-1) ?? round;
  }
  return Math.max(wholeLast, value.rounds.at(-1) ?? 1);
}

function lowest(seats: readonly Seat[]): number[] {
  return [...seats].sort((a, b) => a.reputation - b.reputation).slice(0, FIRST).map(({ seat }) => seat);
}

function scaled(values: readonly (number | null)[]): (number | null)[] {
  return values.map((value) => (value === null ? null : value / FULL));
}

function pathOf(chosen: ReadonlySet<number>, range: [number, number] | null): string {
  const asked = new URLSearchParams({ points: String(chosen.size > MANY ? POINTS_OF_MANY : POINTS) });
  // Without seats the server gives all of them; where none is wanted, one is asked for and not drawn.
  asked.set("seats", chosen.size === 0 ? "0" : [...chosen].sort((a, b) => a - b).join(","));
  if (range !== null) {
    // A little more than is seen, so that lines reach the edges.
    asked.set("from", String(Math.max(1, Math.floor(range[0]) - 1)));
    asked.set("to", String(Math.ceil(range[1]) + 1));
  }
  return `/api/reputations?${asked.toString()}`;
}

function makePicker(seats: readonly Seat[], chosen: Set<number>, changed: () => void): HTMLElement {
  const summary = make("summary");
  const boxes = new Map<number, HTMLInputElement>();
  const tell = (): void => {
    refill(summary, `Seats shown: ${list([...chosen], "none", 12)} of ${count(seats.length, "seat")}`);
    for (const [seat, box] of boxes) {
      box.checked = chosen.has(seat);
    }
  };
  const choose = (which: readonly Seat[]): void => {
    chosen.clear();
    which.forEach(({ seat }) => chosen.add(seat));
    tell();
    changed();
  };
  const button = (says: string, which: () => readonly Seat[]): HTMLButtonElement =>
    make("button", { type: "button", on: { click: () => choose(which()) } }, says);
  const options = seats.map((row) => {
    const { seat } = row;
    const box = make("input", { type: "checkbox", on: { change: () => {
      if (box.checked) {
        chosen.add(seat);
      } else {
        chosen.delete(seat);
      }
      tell();
      changed();
    } } });
    boxes.set(seat, box);
    return make("label", {}, box, ` ${seat}`, chosenName(row));
  });
  const ranked = (): Seat[] => [...seats].sort((a, b) => a.reputation - b.reputation);
  tell();
  return make(
    "details", { class: "picker" }, summary,
    make("div", { class: "bar" }, button("None", () => []), button("The lowest four", () => ranked().slice(0, 4)), button("The highest four", () => ranked().slice(-4)),
      button("Quarantined", () => seats.filter(({ standing }) => standing.some((word) => word.startsWith("quarantined")))), button("All", () => seats)),
    make("fieldset", { class: seats.length > 32 ? "boxes many" : "boxes" }, make("legend", { class: "unseen" }, "Seats"), ...options),
  );
}
