/** Everybody who has or had a seat, and one of them in full. */

import type { Happening, Now, Seat } from "../api";
import type { Context, View } from "../context";
import { named } from "../copy";
import { make, refill } from "../dom";
import { facts } from "../evidence";
import { showExclusion } from "../exclusion";
import { count, moment, sentence, share, shorten, when, whenOrder } from "../format";
import { Plot } from "../plot";
import { address, readNumber } from "../router";
import { chosenName, seatLinks } from "../seat";
import { Table } from "../table";

interface SeatInFull extends Seat {
  life: Happening[];
  rounds: { number: number[]; accepted: (number | null)[]; rejected: (number | null)[]; silent: (number | null)[] };
  judgedBy: number[];
}

export const seats: View = {
  title: "Seats",
  path: "seats",
  show(root, context, { rest }) {
    if (rest.length === 0) {
      showAll(root, context);
      return;
    }
    const seat = readNumber(rest[0]);
    root.append(make("p", {}, make("a", { href: address("seats") }, "← All seats")));
    if (seat === null) {
      root.append(make("p", { class: "note bad" }, "A seat is named by a whole number, such as #/seats/3."));
      return;
    }
    showOne(root, context, seat);
  },
};

function showAll(root: HTMLElement, context: Context): void {
  root.append(make("p", { class: "faint" }, "Names in quotes are those the seats chose for themselves; nobody checked them. The address is what counts."));
  const table = new Table<Seat>([
    { title: "Seat", value: (row) => row.seat, cell: (row) => make("a", { href: address("seats", [row.seat]) }, row.seat) },
    { title: "Name", hint: "Self-chosen", value: (row) => row.name, cell: (row) => chosenName(row) ?? "–" },
    { title: "Reputation", isNumber: true, value: (row) => row.reputation, cell: (row) => share(row.reputation) },
    { title: "Standing", value: (row) => standing(row) },
    { title: "This round", value: (row) => thisRound(row, context.now) },
    { title: "Last round", hint: "What its judges said of its update", value: (row) => row.lastRound?.accepted ?? null, cell: (row) => make("span", { class: "whole" }, lastRound(row)) },
    { title: "Peer", value: (row) => row.peer, cell: (row) => named(row.peer, `the address of seat ${row.seat}`, shorten(row.peer)) },
    { title: "Endpoint", value: (row) => row.endpoint, cell: (row) => make("bdi", { class: "endpoint" }, row.endpoint) },
  ], { caption: "Seats", key: (row) => row.seat, noun: "seat", empty: "Nobody has a seat yet: `folkmoot node` takes one.", canFilter: true });
  context.follow(root, () => context.seats(), (box, found) => {
    if (!table.element.isConnected) {
      box.append(table.element);
    }
    table.update(found);
  }, "the seats");
}

function standing(row: Seat): string {
  return row.standing.join(", ") || (row.state === "held" ? "good" : row.state);
}

function thisRound(row: Seat, { waitedFor }: Now): string {
  const done = row.attested ? "attested" : row.committed ? "committed" : "";
  return [done, waitedFor.includes(row.seat) ? "waited for" : ""].filter((word) => word !== "").join(", ") || "–";
}

function lastRound({ lastRound: last }: Seat): string {
  if (last === null) {
    return "–";
  }
  return last.committed ? `${last.accepted} of ${last.accepted + last.rejected + last.unjudged} accepted` : "no update";
}

function showOne(root: HTMLElement, context: Context, seat: number): void {
  const plot = new Plot({
    label: `Verdicts on seat ${seat} in each round`, xLabel: "round", yLabel: "verdicts", height: 220,
    onPick: (number) => { location.hash = address("rounds", [number]); },
  }, context.signal);
  const life = new Table<Happening & { index: number }>([
    { title: "Time", value: whenOrder, cell: (row) => when(row, moment) },
    { title: "Event", value: (row) => row.kind },
    { title: "What", value: (row) => row.says, cell: (row) => make("bdi", {}, row.says) },
    { title: "Block", value: (row) => row.block, isNumber: true },
    { title: "Transaction", value: (row) => row.tx, cell: (row) => row.tx === null ? "–" : named(row.tx, "the transaction", shorten(row.tx)) },
  ], { caption: `Life of seat ${seat}`, key: (row) => row.index, noun: "event", empty: "Nothing is known of its life." });
  const known = make("div");
  const judged = make("div");
  const judges = make("p");
  const parts = make("div", {}, known, make("h2", {}, "Verdicts on its updates"), judged, judges, make("h2", {}, "Its life in the circle"), life.element);
  context.follow(root, async () => {
    await context.seats();
    return context.get<SeatInFull>(`/api/seats/${seat}`);
  }, (box, value) => {
    if (!parts.isConnected) {
      box.append(parts);
    }
    fillFacts(known, value);
    if (value.rounds.number.length === 0) {
      refill(judged, make("p", {}, "No update of this seat has been judged yet."));
    } else {
      if (!plot.element.isConnected) {
        refill(judged, plot.element);
      }
      plot.update(value.rounds.number, [
        { label: "accepted", values: value.rounds.accepted, colour: "blue" },
        { label: "rejected", values: value.rounds.rejected, colour: "orange", dash: [8, 4] },
        { label: "no verdict", values: value.rounds.silent, colour: "grey", dash: [2, 3] },
      ]);
    }
    refill(judges, "Judged so far by ", seatLinks(context.store, value.judgedBy, "nobody"), ".");
    life.update(value.life.map((event, index) => ({ ...event, index })));
  }, `seat ${seat}`);
  root.append(make("h2", {}, "Why it stands as it does"));
  showExclusion(root, context, seat);
}

function fillFacts(place: HTMLElement, seat: Seat): void {
  const rows: [string, Node | string | null][] = [
    ["Name", seat.name ? make("span", {}, chosenName(seat), make("span", { class: "faint" }, " (self-chosen, not checked)")) : "none chosen"],
    ["Reputation", make("a", { href: address("reputation", [], { seats: seat.seat }), "data-key": "reputation" }, share(seat.reputation))],
    ["Standing", standing(seat)],
    ["Last round", lastRound(seat)],
    ["Peer", named(seat.peer, "the peer's address", seat.peer)],
    ["Cold key", seat.cold ? named(seat.cold, "the cold key's address", seat.cold) : "–"],
    ["Endpoint", make("bdi", {}, seat.endpoint || "–")],
  ];
  const notices = seat.notices.length === 0 ? null
    : make("ul", { class: "notices" }, ...seat.notices.map(({ says }) => make("li", {}, make("bdi", {}, sentence(says)))));
  refill(
    place,
    make("h2", {}, `Seat ${seat.seat}`, chosenName(seat)),
    facts(...rows),
    notices === null ? null : make("h3", {}, count(seat.notices.length, "notice")), notices,
  );
}
