/** What rounds cost: gas and coin by kind of call and by seat, and bytes where somebody here knows them. */

import { fetchJson } from "../api";
import type { View } from "../context";
import { make, refill, say } from "../dom";
import { count, list } from "../format";
import { bytes, coin, ether, gas, short } from "../measures";
import { Plot, type Line } from "../plot";
import { askAgainWhilePending } from "../polling";
import { address, readNumber, replaceAddress } from "../router";
import { seatLink } from "../seat";
import { Table } from "../table";

interface SeatCost {
  seat: number | null;
  transactions?: number;
  gas?: number;
  coinWei?: string | null;
  bytesSent?: { rounds: number; sum: number };
  updateBytes?: { updates: number; sum: number };
}

interface Costs {
  rounds: number[];
  calls: Record<string, { gas: number[]; count: number[] }>;
  coinWei: (string | null)[];
  known: number[];
  transactions: number[];
  seats: SeatCost[];
  pending: number;
  leftOut: number;
  trouble: string | null;
  says: string;
}

interface Call {
  name: string;
  times: number;
  gas: number;
}

type Kind = "round" | "call" | "coin";

const KINDS: Record<Kind, string> = { round: "Gas of a round, by call", call: "Gas of one call", coin: "Coin of a round" };

export const costs: View = {
  title: "Costs",
  path: "costs",
  async show(root, context, { query }) {
    const { store } = context;
    let range: [number | null, number | null] = [readNumber(query.get("from")), readNumber(query.get("to"))];
    let kind: Kind | null = null;
    let value: Costs | null = null;
    let plot: Plot | null = null;
    let plotEnds = new AbortController();

    const [first, last] = ["from", "to"].map((name) => make("input", { type: "number", min: 0, id: `costs-${name}`, inputmode: "numeric" })) as [HTMLInputElement, HTMLInputElement];
    const ask = (asked: [number | null, number | null]): void => {
      range = asked;
      replaceAddress(address("costs", [], { from: range[0], to: range[1] }));
      void refresh();
    };
    const form = make("form", { class: "bar", on: { submit: (event) => { event.preventDefault(); ask([readNumber(first.value), readNumber(last.value)]); } } },
      make("label", { for: "costs-from" }, "Rounds from"), first, make("label", { for: "costs-to" }, "to"), last, make("button", {}, "Show"),
      make("button", { type: "button", on: { click: () => { first.value = last.value = ""; ask([null, null]); } } }, "The newest"));
    const waits = make("p", { class: "faint", role: "status" });
    const trouble = make("p", { class: "note bad", role: "status" });
    const tiles = make("dl", { class: "tiles" });
    const place = make("div");
    const select = make("select", { id: "costs-kind", on: { change: () => { kind = select.value as Kind; drawPlot(); } } }, ...Object.entries(KINDS).map(([name, says]) => make("option", { value: name }, says)));
    const bar = make("p", { class: "bar" }, make("label", { for: "costs-kind" }, "Show"), select);
    const says = make("p", { class: "note" });
    const calls = new Table<Call>([
      { title: "Call", value: (row) => row.name, cell: (row) => make("code", {}, row.name) },
      { title: "Times", value: (row) => row.times, cell: (row) => row.times.toLocaleString("en"), isNumber: true },
      { title: "Gas each", value: (row) => row.gas / row.times, cell: (row) => gas(row.gas / row.times), isNumber: true },
      { title: "Gas in all", value: (row) => row.gas, cell: (row) => gas(row.gas), isNumber: true },
    ], { caption: "Gas by kind of call", key: (row) => row.name, noun: "call kind", empty: "Of no call is it known yet what it cost.", sortBy: "Gas in all" });
    const seats = new Table<SeatCost>([
      { title: "Seat", value: (row) => row.seat, cell: (row) => row.seat === null ? "no seat, or not told" : seatLink(store, row.seat) },
      { title: "Transactions", value: (row) => row.transactions ?? null, isNumber: true },
      { title: "Gas", value: (row) => row.gas ?? null, cell: (row) => row.gas === undefined ? "–" : gas(row.gas), isNumber: true },
      { title: "Coin", value: (row) => ether(row.coinWei), cell: (row) => coinCell(row.coinWei), isNumber: true },
      { title: "Sent a round", value: (row) => mean(row.bytesSent?.sum, row.bytesSent?.rounds), cell: (row) => bytesCell(row.bytesSent?.sum, row.bytesSent?.rounds), isNumber: true, hint: "Its node's own word, of folders on this machine" },
      { title: "An update", value: (row) => mean(row.updateBytes?.sum, row.updateBytes?.updates), cell: (row) => bytesCell(row.updateBytes?.sum, row.updateBytes?.updates), isNumber: true, hint: "Mean size, where the blob is here" },
    ], { caption: "What each seat paid and sent", key: (row) => row.seat ?? "none", noun: "payer", empty: "Nobody has paid anything that is known yet.", sortBy: "Gas" });

    const drawPlot = (): void => {
      if (value === null) {
        return;
      }
      kind ??= makeLines(value, "round").length > 0 ? "round" : "call";
      select.value = kind;
      plotEnds.abort();
      plotEnds = new AbortController();
      plot = new Plot({
        label: KINDS[kind], xLabel: "round", yLabel: kind === "coin" ? "ETH" : "gas", height: 300, format: kind === "coin" ? coin : gas, formatY: short,
        onPick: (round) => { location.hash = address("rounds", [round]); },
      }, AbortSignal.any([context.signal, plotEnds.signal]));
      refill(place, plot.element);
      updatePlot();
    };
    const updatePlot = (): void => {
      if (value !== null && plot !== null && kind !== null) {
        const lines = makeLines(value, kind);
        place.hidden = lines.length === 0;
        plot.update(value.rounds.filter((round) => round > 0), lines);
      }
    };
    root.append(form);
    await context.seats();
    const refresh = context.follow(root, () => fetchJson<Costs>(pathOf(range), context.signal), (box, found) => {
      value = found;
      if (!tiles.isConnected) {
        refill(box, waits, trouble, tiles, bar, place, says, make("h2", {}, "By kind of call"), calls.element, make("h2", {}, "By seat"), seats.element);
      }
      if (found.rounds.length > 0 && document.activeElement !== first && document.activeElement !== last) {
        [first.value, last.value] = [String(found.rounds[0]), String(found.rounds.at(-1))];
      }
      say(waits, found.pending > 0 ? `Asking the endpoint for receipts: ${count(found.pending, "more", "more")}.` : "");
      waits.hidden = found.pending === 0;
      say(trouble, found.trouble ?? "");
      trouble.hidden = found.trouble === null;
      refill(tiles, ...makeTiles(found));
      say(says, describe(found));
      calls.update(Object.entries(found.calls).map(([name, columns]) => ({ name, times: sum(columns.count), gas: sum(columns.gas) })));
      seats.update(found.seats);
      if (plot === null && (found.pending === 0 || makeLines(found, "round").length > 0)) {
        drawPlot();
      } else {
        updatePlot();
      }
      pending(found.pending);
    }, "what rounds cost");
    const pending = askAgainWhilePending(context, refresh);
    return (changed) => {
      range = [readNumber(changed.query.get("from")), readNumber(changed.query.get("to"))];
      void refresh();
      return true;
    };
  },
};

function pathOf([from, to]: [number | null, number | null]): string {
  const asked = new URLSearchParams();
  if (from !== null) {
    asked.set("from", String(from));
  }
  if (to !== null) {
    asked.set("to", String(to));
  }
  const query = asked.toString();
  return query === "" ? "/api/costs" : `/api/costs?${query}`;
}

/** The places of the rounds all of whose receipts are known: sums of the others would mislead. */
function isWhole(value: Costs, place: number): boolean {
  return value.known[place] === value.transactions[place] && value.transactions[place]! > 0;
}

function makeLines(value: Costs, kind: Kind): Line[] {
  const places = value.rounds.map((round, place) => ({ round, place })).filter(({ round }) => round > 0).map(({ place }) => place);
  if (kind === "coin") {
    const values = places.map((place) => (isWhole(value, place) ? ether(value.coinWei[place]) : null));
    return values.some((one) => one !== null) ? [{ label: "coin", values, colour: "blue" }] : [];
  }
  const names = Object.keys(value.calls).filter((name) => places.some((place) => value.calls[name]!.count[place]! > 0));
  const lines = names.map((name): Line => {
    const { gas: spent, count: times } = value.calls[name]!;
    const values = places.map((place) => kind === "call" ? (times[place]! > 0 ? spent[place]! / times[place]! : undefined) : isWhole(value, place) ? spent[place]! : null);
    return { label: name, values };
  });
  return lines.some(({ values }) => values.some((one) => typeof one === "number")) ? lines : [];
}

function makeTiles(value: Costs): HTMLElement[] {
  const whole = value.rounds.map((round, place) => ({ round, place })).filter(({ round, place }) => round > 0 && isWhole(value, place)).map(({ place }) => place);
  const spent = whole.map((place) => sum(Object.values(value.calls).map(({ gas: column }) => column[place]!)));
  const coins = whole.map((place) => ether(value.coinWei[place])).filter((one) => one !== null);
  const facts: [string, string][] = [
    ["Gas of a round, mean", spent.length > 0 ? gas(sum(spent) / spent.length) : "–"],
    ["Coin of a round, mean", coins.length > 0 ? coin(sum(coins) / coins.length) : "–"],
    ["Coin in all", coins.length > 0 ? coin(sum(value.coinWei.map((wei) => ether(wei) ?? 0))) : "–"],
    ["Receipts", `${sum(value.known).toLocaleString("en")} of ${sum(value.transactions).toLocaleString("en")}`],
  ];
  return facts.map(([name, says]) => make("div", {}, make("dt", {}, name), make("dd", {}, says)));
}

function describe(value: Costs): string {
  const partly = value.rounds.filter((round, place) => round > 0 && !isWhole(value, place));
  const left = value.leftOut > 0 ? ` ${count(value.leftOut, "older round")} of those asked for left out, as there are too many transactions: ask for them by themselves.` : "";
  const lacks = partly.length > 0 && value.pending === 0 ? ` Of ${partly.length === 1 ? "round" : "rounds"} ${list(partly, "", 12)} not all receipts are known, so no sum is drawn.` : "";
  return `${value.says}${lacks}${left}`;
}

function coinCell(wei: string | null | undefined): string {
  const eth = ether(wei);
  return eth === null ? "–" : coin(eth);
}

function mean(total: number | undefined, number: number | undefined): number | null {
  return total === undefined || !number ? null : total / number;
}

function bytesCell(total: number | undefined, number: number | undefined): string {
  const size = mean(total, number);
  return size === null ? "–" : bytes(size);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
