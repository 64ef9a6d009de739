/** Claims that a judge spoke falsely: where each stands, what it moves, who voted how, and how it came there. */

import { fetchJson, type Happening } from "../api";
import type { Context, View } from "../context";
import { named } from "../copy";
import { make, refill, say, type Child } from "../dom";
import { Asked, facts, Folds, listSteps } from "../evidence";
import { capital, count, shorten, span } from "../format";
import { coin, ether } from "../measures";
import { address, readNumber } from "../router";
import { seatLink, seatLinks } from "../seat";

interface Votes {
  upholding: number[];
  rejecting: number[];
  withholding: number[];
  of: number;
  decide: number;
}

interface Dispute {
  dispute: number;
  round: number;
  judge: number;
  target: number;
  isAsking: boolean;
  claim: string;
  challenger: string;
  challengerSeat: number | null;
  evidence: string;
  stage: string;
  outcome: "upheld" | "rejected" | "void" | null;
  stands: string;
  deadline: number | null;
  isOver: boolean;
  jury: number[];
  juryVotes: Votes;
  electorate: number[];
  circleVotes: Votes;
  appellant: string | null;
  bondWei: string;
  appealBondWei: string;
  atStakeWei: string;
  fineWei: string;
  jurorsFinedWei: string;
  paidWei: string;
  burnedWei: string;
  givenBackWei: string;
  next: string | null;
}

interface Disputes {
  says: string;
  raised: number;
  open: number;
  next: number | null;
  disputes: Dispute[];
}

const SIGNS = { upheld: "✕", rejected: "✓", void: "–", open: "…" };

export const disputes: View = {
  title: "Disputes",
  path: "disputes",
  show(root, context, { rest, query }) {
    const chosen = readNumber(rest[0]);
    const from = readNumber(query.get("from"));
    const box = make("div");
    const folds = new Folds();
    if (chosen !== null) {
      root.append(make("p", {}, make("a", { href: address("disputes"), "data-key": "all" }, "All disputes")));
      new Asked<Dispute & { timeline: Happening[] }>(
        context, root, `dispute ${chosen}`, () => `/api/disputes/${chosen}`, (one) => one.outcome === null,
        (one) => refill(box, showDispute(one, context, folds, one.timeline)),
      );
    } else {
      new Asked<Disputes>(
        context, root, "the disputes", () => (from === null ? "/api/disputes" : `/api/disputes?from=${from}`),
        (found) => found.open > 0,
        (found) => refill(box, ...showAll(found, context, folds)),
      );
    }
    root.append(box);
    if (context.circle.source.kind === "live") {
      context.every(1000, () => tick(box));
    }
  },
};

function showAll(found: Disputes, context: Context, folds: Folds): Child[] {
  if (found.raised === 0) {
    return [make("p", { class: "lead" }, `${capital(found.says)}.`)];
  }
  return [
    make("p", { class: "lead" }, `${capital(count(found.raised, "dispute"))} raised, ${found.open === 0 ? "none" : found.open} open.`),
    make("p", { class: "faint" }, "A claim that a verdict, a record or a base is false, or withheld, is heard by a jury; nothing is taken before more than half of all bonded seats have confirmed it."),
    ...found.disputes.map((one) => showDispute(one, context, folds, null)),
    found.next === null ? null : make("p", {}, make("a", { href: address("disputes", [], { from: found.next }), "data-key": "older" }, "Older ones")),
  ];
}

function showDispute(one: Dispute, context: Context, folds: Folds, timeline: Happening[] | null): HTMLElement {
  const kind = one.outcome ?? "open";
  return make(
    "section", { class: `card dispute ${kind}` },
    make("h3", {}, make("a", { href: address("disputes", [one.dispute]), "data-key": `dispute ${one.dispute}` }, `Dispute ${one.dispute}`), `: ${one.claim}`),
    make("p", { class: "stands" }, make("span", { class: "sign", "aria-hidden": "true" }, SIGNS[kind]), " ", capital(one.stands), "."),
    one.deadline === null || one.isOver ? null : make("p", { class: "left", "data-until": one.deadline }, ""),
    one.next === null ? null : make("p", { class: "faint" }, `Next: ${one.next}.`),
    facts(
      ["Judge", seatLink(context.store, one.judge)],
      ["Judged", one.target === one.judge ? "itself: its record, base or verdicts" : seatLink(context.store, one.target)],
      ["Round", make("a", { href: address("rounds", [one.round]) }, one.round)],
      ["Raised by", make("span", {}, one.challengerSeat === null ? null : "seat ", one.challengerSeat === null ? null : seatLink(context.store, one.challengerSeat), " ", named(one.challenger, "the challenger's address", shorten(one.challenger)))],
      ["Its evidence", one.isAsking ? "none: it only asks the judge to show what it judged from" : named(`0x${one.evidence}`, "the digest of the record that recomputing gave", `0x${shorten(one.evidence, 10, 6)}`)],
      ["Jury", one.jury.length === 0 ? "not drawn" : seatLinks(context.store, one.jury)],
      ["Appealed by", one.appellant === null ? null : named(one.appellant, "the appellant's address", shorten(one.appellant))],
    ),
    ...(one.jury.length > 0 ? [showVotes("The jury", one.juryVotes, one.jury, context)] : []),
    ...(one.stage === "circle" ? [showVotes("The whole circle", one.circleVotes, one.electorate, context)] : []),
    showStakes(one),
    timeline === null
      ? folds.make(`timeline ${one.dispute}`, ["How it went"], (body) => void loadTimeline(body, one.dispute, context))
      : make("div", {}, make("h4", {}, "How it went"), showTimeline(timeline)),
  );
}

function showVotes(who: string, votes: Votes, asked: number[], context: Context): HTMLElement {
  const missing = asked.filter((seat) => ![votes.upholding, votes.rejecting, votes.withholding].some((cast) => cast.includes(seat)));
  const parts: [string, string, number[]][] = [
    ["upholding", "for the claim", votes.upholding],
    ["withholding", "could not get what it follows from", votes.withholding],
    ["rejecting", "against it", votes.rejecting],
    ["missing", "no vote", missing],
  ];
  const bar = make("span", { class: "votes", "aria-hidden": "true" }, ...parts.filter(([, , seats]) => seats.length > 0).map(([kind, , seats]) => {
    const part = make("span", { class: kind }, seats.length);
    part.style.setProperty("--part", String(seats.length));
    return part;
  }));
  return make(
    "div", { class: "hearing" },
    make("p", {}, make("strong", {}, who), `, ${count(votes.of, "seat")}; ${votes.decide} decide`),
    bar,
    make("ul", { class: "plain" }, ...parts.filter(([, , seats]) => seats.length > 0).map(([kind, what, seats]) => make(
      "li", {}, make("span", { class: `swatch ${kind}`, "aria-hidden": "true" }, seats.length), ` ${what}: `, seatLinks(context.store, seats),
    ))),
  );
}

function showStakes(one: Dispute): HTMLElement {
  const nothing = (wei: string): boolean => /^0*$/.test(wei);
  const rows: [string, Child][] = [
    ["Pledged", one.isAsking ? null : amount(one.bondWei)],
    ["Pledged for the appeal", nothing(one.appealBondWei) ? null : amount(one.appealBondWei)],
    ["At stake for the judge", nothing(one.atStakeWei) ? null : amount(one.atStakeWei)],
  ];
  if (one.outcome !== null) {
    rows.push(
      ["The judge lost", nothing(one.fineWei) ? "nothing" : amount(one.fineWei)],
      ["Jurors lost", nothing(one.jurorsFinedWei) ? null : amount(one.jurorsFinedWei)],
      ["The challenger was paid", nothing(one.paidWei) ? null : amount(one.paidWei)],
      ["Burned", nothing(one.burnedWei) ? null : amount(one.burnedWei)],
      ["Given back", nothing(one.givenBackWei) ? null : amount(one.givenBackWei)],
    );
  }
  return facts(...rows);
}

function amount(wei: string): string {
  return coin(ether(wei) ?? 0);
}

async function loadTimeline(body: HTMLElement, number: number, context: Context): Promise<void> {
  say(body, "Loading…");
  try {
    const one = await fetchJson<{ timeline: Happening[] }>(`/api/disputes/${number}`, context.signal);
    refill(body, showTimeline(one.timeline));
  } catch (error) {
    say(body, error instanceof Error ? error.message : String(error));
  }
}

function showTimeline(steps: Happening[]): HTMLElement {
  return listSteps(steps, (step) => step.kind, (step) => `${capital(step.says)}.`);
}

function tick(box: HTMLElement): void {
  for (const left of box.querySelectorAll<HTMLElement>("[data-until]")) {
    const seconds = Number(left.dataset["until"]) - Date.now() / 1000;
    say(left, seconds > 0 ? `${span(seconds)} left` : "The time is over.");
  }
}
