/** What members agreed on about their data's privacy, in plain words, and what each seat has spent of it. */

import { fetchJson } from "../api";
import type { View } from "../context";
import { make, refill, say } from "../dom";
import { count } from "../format";
import { digits } from "../measures";
import { joinRounds, Plot } from "../plot";
import { askAgainWhilePending } from "../polling";
import { seatLink, seatText } from "../seat";
import { Table } from "../table";

interface SeatPrivacy {
  seat: number;
  spent: number | null;
  asOfRound: number | null;
  charged: number | null;
  roundsLeft: number | null;
  examples: number | null;
  sigma: string | null;
  rounds: number[];
  spentOver: number[];
  own: { spent: number; budget: number; roundsLeft: number | null } | null;
  pending: number;
  missing: string | null;
}

interface Privacy {
  terms: { epsilon: number; delta: string; unit: string; steps: number; batch: number; sigma: string; clip: string; says: string[] };
  seats: SeatPrivacy[];
  pending: number;
  says: string;
}

export const privacy: View = {
  title: "Privacy",
  path: "privacy",
  isFor: (circle) => circle.privacy !== null,
  async show(root, context) {
    const { store } = context;
    const terms = make("ul", { class: "terms" });
    const word = make("p", { class: "note" });
    const waits = make("p", { class: "faint", role: "status" });
    let budget = 0;
    let plot: Plot | null = null;
    const table = new Table<SeatPrivacy>([
      { title: "Seat", value: (row) => row.seat, cell: (row) => seatLink(store, row.seat) },
      { title: "ε spent", value: (row) => row.spent, cell: (row) => row.spent === null ? row.missing ?? "–" : spentCell(row.spent, budget), isNumber: true },
      { title: "As of round", value: (row) => row.asOfRound, isNumber: true },
      { title: "Rounds charged", value: (row) => row.charged, isNumber: true },
      { title: "Rounds left", value: (row) => row.roundsLeft, isNumber: true, hint: "How many more rounds the circle's budget holds at the rate and noise that the seat says" },
      { title: "Examples", value: (row) => row.examples, cell: (row) => row.examples === null ? "not said" : row.examples.toLocaleString("en"), isNumber: true },
      { title: "Holds itself to", value: (row) => row.own?.budget ?? null, cell: (row) => row.own === null ? "–" : `ε ${digits(row.own.budget)}, ${row.own.roundsLeft === null ? "rounds left not known" : count(row.own.roundsLeft, "round")} left`, hint: "Its node's own word, of folders on this machine" },
    ], { caption: "What each seat has spent", key: (row) => row.seat, noun: "seat", empty: "Nobody has a seat yet.", sortBy: "ε spent" });
    if (context.circle.privacy === null) {
      root.append(make("p", {}, "This circle has no privacy terms: peers' updates are not noised, and nobody counts what they give away."));
      return;
    }
    await context.seats();
    const refresh = context.follow(root, () => fetchJson<Privacy | null>("/api/privacy", context.signal), (box, value) => {
      if (value === null) {
        refill(box, make("p", {}, "This circle has no privacy terms."));
        return;
      }
      budget = value.terms.epsilon;
      plot ??= new Plot({
        label: "ε spent by each seat, by round", xLabel: "round", yLabel: "ε spent", height: 320, format: digits,
        floor: { value: budget, label: `the circle's budget, ε ${digits(budget)}` }, range: [0, budget * 1.08],
      }, context.signal);
      if (!terms.isConnected) {
        refill(box, make("h2", {}, "What was agreed"), terms, make("h2", {}, "What is spent"), word, waits, plot.element, table.element);
      }
      refill(terms, ...value.terms.says.map((sentence) => make("li", {}, sentence)));
      say(word, value.says);
      say(waits, value.pending > 0 ? `Fetching updates to see what they say: ${count(value.pending, "more", "more")}.` : "");
      waits.hidden = value.pending === 0;
      table.update(value.seats);
      drawSpending(plot, value.seats, (seat) => seatText(store, seat));
      pending(value.pending);
    }, "what was spent");
    const pending = askAgainWhilePending(context, refresh);
  },
};

function spentCell(spent: number, budget: number): HTMLElement {
  const share = budget > 0 ? spent / budget : 0;
  return make("span", { class: "whole" },
    `${digits(spent)} of ${digits(budget)} `,
    make("meter", { min: 0, max: 1, low: 0.75, high: 0.95, optimum: 0, value: Math.min(1, share), "aria-label": `${Math.round(100 * share)} % spent` }));
}

function drawSpending(plot: Plot, seats: readonly SeatPrivacy[], name: (seat: number) => string): void {
  const spending = seats.filter(({ rounds }) => rounds.length > 0);
  const { xs, lines } = joinRounds(spending.map((one) => ({ label: name(one.seat), rounds: one.rounds, values: one.spentOver })));
  plot.element.hidden = lines.length === 0;
  plot.update(xs, lines);
}
