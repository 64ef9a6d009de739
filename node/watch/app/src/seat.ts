/** How a seat is written wherever it is named: its number, a link, and the name that it chose, marked as such. */

import type { ChosenName, Store } from "./context";
import { make } from "./dom";
import { address } from "./router";

const SELF_CHOSEN = "A name that the seat chose for itself; nobody checked it";

/** `5 “Berta”`, linked to the seat's page. */
export function seatLink(store: Store, seat: number): HTMLElement {
  return make("span", { class: "seat" }, make("a", { href: address("seats", [seat]) }, seat), chosenName(store.names.get(seat)));
}

/** The name in quotes and slanted; nothing where there is none. */
export function chosenName(chosen: ChosenName | undefined): HTMLElement | null {
  if (!chosen?.name) {
    return null;
  }
  const marks = chosen.nameMarks.length > 0 ? make("span", { class: "marked" }, ` (${chosen.nameMarks.join("; ")})`) : null;
  return make("span", { class: "chosen", title: SELF_CHOSEN }, " “", make("bdi", {}, chosen.name), "”", marks);
}

/** `seat 5 “Berta”` as text, for labels and readings. */
export function seatText(store: Store, seat: number): string {
  const name = store.names.get(seat)?.name;
  return name ? `seat ${seat} “${name}”` : `seat ${seat}`;
}

/** Links of several seats, with commas. */
export function seatLinks(store: Store, seats: readonly number[], none = "none"): HTMLElement {
  const row = make("span", { class: "seats" });
  if (seats.length === 0) {
    row.append(none);
  }
  seats.forEach((seat, index) => {
    row.append(index > 0 ? ", " : "", seatLink(store, seat));
  });
  return row;
}
