/** Whose updates a model is made of: shares, and the graph of who was mixed into whom. Made when somebody asks. */

import type { Context, View } from "../context";
import { named } from "../copy";
import { make, refill, type Child } from "../dom";
import { Asked, facts, percent } from "../evidence";
import { capital, count, list, shorten } from "../format";
import { drawGraph, listEdges, type Graph } from "../mixing";
import { address, readNumber } from "../router";
import { seatLink, seatText } from "../seat";
import { drawInfluence, type Influence } from "../influence";
import { Table } from "../table";

interface Share {
  seat: number;
  tenure: number;
  peer: string;
  updates: number;
  coefficient: number;
  putIn: number;
  ofTheWay: number;
}

interface Account {
  round: number;
  seat: number | null;
  digest: string;
  lineage: string;
  block: number;
  bases: { seat: number; values: number }[];
  length: number;
  residual: number;
  residualBound: number;
  mixings: number;
  tookS: number;
  shares: Share[];
  leftOver: number;
  reached: Record<string, Record<string, number>>;
  influence: Influence;
  graph: Graph;
}

interface Provenance {
  state: "idle" | "working" | "busy" | "done" | "failed" | "impossible";
  says: string;
  needs: string;
  round: number;
  seat: number | null;
  lastRound: number;
  seats: number[];
  seconds: number;
  account: Account | null;
}

/** Of more seats than these a list is folded. */
const MANY = 32;

export const provenance: View = {
  title: "Provenance",
  path: "provenance",
  show(root, context, { query }) {
    const wanted = { round: readNumber(query.get("round")), seat: query.get("seat"), of: query.get("of"), to: query.get("to") };
    const path = (ask: boolean): string => {
      const asked = new URLSearchParams();
      for (const [name, value] of Object.entries(wanted)) {
        if (value !== null && value !== "") {
          asked.set(name, String(value));
        }
      }
      if (ask) {
        asked.set("ask", "1");
      }
      return `/api/provenance?${asked.toString()}`;
    };
    const form = make("div");
    const box = make("div");
    let drawn = "";
    let isFilled = false;
    const asking = new Asked<Provenance>(
      context, root, "what is known of the model", () => path(false),
      ({ state }) => state === "working" || state === "busy",
      (found) => {
        if (!isFilled) {
          isFilled = true;
          refill(form, showForm(found));
        }
        const key = JSON.stringify([found.state, found.says, found.round, found.seconds, found.account?.digest, found.account?.block]);
        if (key !== drawn) {
          drawn = key;
          showFound(box, found, context, () => void asking.ask(path(true)));
        }
      },
    );
    root.append(
      make("p", {}, "A model is the first state, and of each update a part. The account recomputes which, from chain and blobs: the same for everybody."),
      form, box,
    );
  },
};

/** Choosing a model is going to another address, so that it can be sent to others. */
function showForm({ round, seat, lastRound, seats }: Provenance): HTMLElement {
  const number = make("input", { type: "number", id: "of-round", min: 0, max: lastRound, value: round, required: true });
  const whose = make(
    "select", { id: "of-seat" },
    make("option", { value: "circle", selected: seat === null }, "the circle's model"),
    ...seats.map((one) => make("option", { value: one, selected: one === seat }, `the base of seat ${one}`)),
  );
  return make(
    "form",
    { class: "bar", on: { submit: (event) => {
      event.preventDefault();
      location.hash = address("provenance", [], { round: number.value, seat: whose.value === "circle" ? null : whose.value });
    } } },
    make("label", { for: "of-seat" }, "Of"), whose,
    make("label", { for: "of-round" }, "after round"), number,
    make("button", { type: "submit" }, "Choose"),
  );
}

function nameModel(round: number, seat: number | null, context: Context): string {
  return seat === null ? `the circle's model after round ${round}` : `the base of ${seatText(context.store, seat)} after round ${round}`;
}

function showFound(box: HTMLElement, found: Provenance, context: Context, ask: () => void): void {
  if (found.account !== null) {
    refill(box, ...showAccount(found.account, context));
    context.announce("The account is made.");
    return;
  }
  const model = nameModel(found.round, found.seat, context);
  const button = make("button", { type: "button", class: "main", "data-key": "make", on: { click: ask } }, "Make the account");
  const told: Record<string, Child[]> = {
    idle: [make("p", {}, `Nobody has asked here for the account of ${model} yet. ${found.needs} That goes on in a process of low priority; leave the page meanwhile, if you like.`), button],
    failed: [make("p", { class: "note bad" }, `There is no account of ${model}: ${found.says}.`), make("p", {}, found.needs), button],
    busy: [make("p", { class: "note" }, `${capital(found.says)}.`), button],
    working: [make("p", { class: "note", role: "status" }, make("progress", { "aria-label": "The account is being made" }), ` The account of ${model} is being made, for ${found.seconds} s so far. ${found.needs}`)],
    impossible: [make("p", { class: "note" }, `Of ${model} ${found.says}.`)],
  };
  refill(box, ...(told[found.state] ?? [found.says]));
}

function showAccount(account: Account, context: Context): Child[] {
  const name = nameModel(account.round, account.seat, context);
  const table = shareTable(account, context);
  return [
    make("h2", {}, capital(name)),
    facts(
      ["Digest", named(account.digest, "the model's digest", shorten(account.digest, 14, 8))],
      ["Lineage", named(account.lineage, "what commits to all that it came of", shorten(account.lineage, 14, 8))],
      ["Values from", account.bases.length > 1 ? describeBases(account, context) : null],
      ["Way", `${account.length.toPrecision(4)} long, from the first state to the model`],
      ["Rounding", `${account.residual.toFixed(2)} grid units of a value at most are no update's, where up to ${account.residualBound.toFixed(2)} may be`],
      ["Made in", `${account.tookS.toFixed(1)} s, from the chain up to block ${account.block}`],
    ),
    make("h2", {}, "Shares"),
    make("p", {}, "Of the way from the first state to the model: what each seat's updates put in. Below zero, they pulled the other way. ", make("span", { class: "faint" }, "Whose data these are is not said: a seat is a key.")),
    table,
    make("h2", {}, "Influence by round"),
    drawInfluence(account.influence, context),
    make("h2", {}, "Who was mixed into whom"),
    ...showGraph(account, context),
    make("h2", {}, "Whom they reached"),
    showReached(account, context),
  ];
}

function describeBases({ bases }: Account, context: Context): string {
  const all = bases.reduce((sum, one) => sum + one.values, 0);
  const told = bases.filter((one) => one.values > 0).map((one) => `${seatText(context.store, one.seat)} ${percent(one.values / all)}`);
  const idle = bases.filter((one) => one.values === 0).map((one) => one.seat);
  return `the bases of ${told.join(", ")}${idle.length > 0 ? `, and none from ${list(idle)}` : ""}`;
}

function shareTable(account: Account, context: Context): HTMLElement {
  const most = Math.max(...account.shares.map((one) => Math.abs(one.ofTheWay)), 1e-9);
  const several = new Set(account.shares.filter((one, index) => account.shares.findIndex((other) => other.seat === one.seat) !== index).map((one) => one.seat));
  const table = new Table<Share>(
    [
      { title: "Seat", value: (one) => one.seat, cell: (one) => make("span", {}, seatLink(context.store, one.seat), several.has(one.seat) ? `, holder ${one.tenure}` : ""), isNumber: true },
      { title: "Of the way", value: (one) => one.ofTheWay, cell: (one) => showBar(one.ofTheWay, most), isNumber: true },
      { title: "Updates in it", value: (one) => one.updates, isNumber: true },
      { title: "Coefficients", value: (one) => one.coefficient, cell: (one) => one.coefficient.toFixed(4), isNumber: true, hint: "Of all its updates in the model, added up" },
      { title: "Put in", value: (one) => one.putIn, cell: (one) => one.putIn.toPrecision(4), isNumber: true, hint: "How long all its steps together are" },
      { title: "Peer", value: (one) => one.peer, cell: (one) => named(one.peer, "the address", shorten(one.peer)) },
    ],
    { caption: "Shares of the model", key: (one) => `${one.seat} ${one.tenure}`, noun: "author", empty: "No update is in it: it is the first state.", first: MANY, sortBy: "Of the way" },
  );
  table.update(account.shares);
  return make("div", {}, table.element, make("p", { class: "faint" }, `Together ${percent(1 - account.leftOver, 4)}: what is off 100 % is rounding.`));
}

function showBar(share: number, most: number): HTMLElement {
  const bar = make("span", { class: share < 0 ? "share back" : "share" });
  bar.style.setProperty("--part", String(Math.abs(share) / most));
  return make("span", { class: "barred" }, bar, make("span", {}, percent(share)));
}

function showGraph(account: Account, context: Context): Child[] {
  const { graph } = account;
  if (graph.nodes.length === 0) {
    return [make("p", {}, "There is nothing to draw: the model is the first state.")];
  }
  const go = (changes: Record<string, string | number | null>): string => {
    const query = { round: account.round, seat: account.seat, of: graph.of, to: graph.last, ...changes };
    return address("provenance", [], query);
  };
  const width = graph.last - graph.first + 1;
  const everySeat = [...new Set(account.influence.rows.map((row) => row.seat))];
  const chooser = make(
    "select", { id: "way-of", on: { change: () => { location.hash = go({ of: chooser.value === "" ? null : chooser.value }); } } },
    make("option", { value: "", selected: graph.of === null }, "all seats"),
    ...everySeat.map((seat) => make("option", { value: seat, selected: seat === graph.of }, seatText(context.store, seat))),
  );
  const told = graph.seatsLeft > 0
    ? `Drawn is seat ${graph.of} with the ${graph.seats.length - 1} seats that most went to and fro between; ${graph.seatsLeft} others are left out. `
    : "";
  return [
    make("p", {}, `Rounds ${graph.first} to ${graph.last} of ${account.round}. ${told}A circle is an update, the larger the more of it is in the model, hollow where nothing is. A line is as wide as the part of the next base that it is. Arrow keys go from update to update.`),
    make(
      "div", { class: "bar" },
      graph.first > 1 ? make("a", { href: go({ to: graph.first - 1 }), "data-key": "earlier" }, "← earlier rounds") : null,
      graph.last < account.round ? make("a", { href: go({ to: Math.min(account.round, graph.last + width) }), "data-key": "later" }, "later rounds →") : null,
      make("label", { for: "way-of" }, "Mark the way of"), chooser,
    ),
    drawGraph(graph, context),
    listEdges(graph, context),
  ];
}

function showReached(account: Account, context: Context): HTMLElement {
  const rows = Object.entries(account.reached).map(([seat, from]) => ({ seat: Number(seat), from }));
  const describe = (from: Record<string, number>): string => {
    const rounds = [...new Set(Object.values(from))].sort((a, b) => a - b);
    return rounds.map((round) => `${list(Object.keys(from).filter((seat) => from[seat] === round).map(Number))} from round ${round}`).join("; ") || "nobody's";
  };
  const table = new Table<(typeof rows)[number]>(
    [
      { title: "Seat", value: (row) => row.seat, cell: (row) => seatLink(context.store, row.seat), isNumber: true },
      { title: "Bases reached", value: (row) => Object.keys(row.from).length, isNumber: true },
      { title: "Whose base has a part of its updates", value: (row) => describe(row.from) },
    ],
    { caption: "Whose base each seat's updates reached, and from which round on", key: (row) => row.seat, noun: "seat", empty: "Nobody published anything." },
  );
  table.update(rows);
  const shown = rows.length > MANY ? make("details", {}, make("summary", { "data-key": "reached" }, `Of all ${count(rows.length, "seat")}`), table.element) : table.element;
  return make("div", {}, shown, make("p", { class: "faint" }, `${count(account.mixings, "mixing")} lie on the longest way.`));
}
