/** Where the circle stands at this moment: the phase, who has done what in it, and the last round that was settled. */

import type { Now, Rounds, Seat } from "../api";
import type { Context, View } from "../context";
import { make, refill, say } from "../dom";
import { clock, count, list, moment, sentence, span } from "../format";
import { address } from "../router";
import { chosenName } from "../seat";
import { describeLeft } from "../shell";

/** More seats than these are drawn small, without their names. */
const LARGE = 32;
/** So many of those waited for are named in the sentence; the grid has all. */
const NAMED = 12;

interface Mark {
  kind: "committed" | "attested" | "waited" | "missing" | "resting";
  sign: string;
  says: string;
}

const MARKS: Record<Mark["kind"], Mark> = {
  attested: { kind: "attested", sign: "✓", says: "attested" },
  committed: { kind: "committed", sign: "●", says: "committed" },
  waited: { kind: "waited", sign: "…", says: "waited for" },
  missing: { kind: "missing", sign: "✕", says: "did not commit" },
  resting: { kind: "resting", sign: "–", says: "not in this round" },
};

export const now: View = {
  title: "Now",
  path: "now",
  show(root, context) {
    const lead = make("p", { class: "lead" });
    const left = make("p", { class: "countdown" });
    const follows = make("p", { class: "faint" });
    root.append(lead, left, follows);
    const tick = (): void => {
      const state = context.now;
      say(lead, describe(state, context));
      say(left, describeLeft(state));
      left.hidden = left.textContent === "";
      say(follows, describeFollowing(state));
    };
    tick();
    context.every(500, tick);
    context.whenChanged(tick);

    root.append(make("h2", {}, "Seats in this round"));
    const key = make("p", { class: "key" });
    const grid = make("ul", { class: "grid" });
    const places = make("div", {}, key, grid);
    let seats: readonly Seat[] = [];
    let { revision } = context.now;
    context.follow(root, () => context.seats(), (box, found) => {
      if (!places.isConnected) {
        box.append(places);
      }
      seats = found;
      fillGrid(grid, key, seats, context.now);
    }, "the seats");
    context.whenChanged((state) => {
      if (state.revision !== revision && places.isConnected) {
        revision = state.revision;
        fillGrid(grid, key, seats, state);
      }
    });

    root.append(make("h2", {}, "The newest settled round"));
    context.follow(root, () => context.get<Rounds>(lastRounds(context.now)), (box, rounds) => {
      refill(box, newestRound(rounds));
    }, "the last rounds");

    root.append(make("h2", {}, "Disputes and findings"));
    const trouble = make("p");
    root.append(trouble);
    const tell = (): void => refill(trouble, ...describeTrouble(context.now));
    tell();
    context.whenChanged(tell);
  },
};

function lastRounds({ round }: Now): string {
  return `/api/rounds?from=${Math.max(1, round - 1)}&to=${Math.max(1, round)}`;
}

function describe(state: Now, { circle }: Context): string {
  const all = state.roster.length;
  switch (state.phase) {
    case "gathering":
      return `The circle gathers: ${count(all, "seat")} taken so far. Round 1 opens once enough peers have joined.`;
    case "commit":
      return `Round ${state.round} of ${circle.lastRound}: ${state.committed.length} of ${count(all, "seat")} have committed their update. ${waits(state)}`;
    case "attest":
      return `Round ${state.round} of ${circle.lastRound}: ${state.attested.length} of ${count(state.committed.length, "seat")} that committed have attested their verdicts. ${waits(state)}`;
    case "finished":
      return `Finished: all ${count(circle.lastRound, "round")} are settled.`;
    default:
      return `Round ${state.round} of ${circle.lastRound}: ${state.phase}.`;
  }
}

function waits({ waitedFor }: Now): string {
  return waitedFor.length === 0 ? "Nobody is waited for." : `Waited for: ${list(waitedFor, "", NAMED)}.`;
}

function describeFollowing({ following, block, blockTimeS }: Now): string {
  const newest = `Newest block ${block.toLocaleString("en")}`;
  if (blockTimeS === null) {
    return `${newest}. ${sentence(following.says)}`;
  }
  const when = following.state === "live" ? `${span(Date.now() / 1000 - blockTimeS)} ago` : `of ${moment(blockTimeS)}`;
  return `${newest}, ${when}. ${sentence(following.says)}`;
}

function markOf(seat: number, state: Now, sets: Record<"roster" | "committed" | "attested" | "waited", Set<number>>): Mark {
  if (sets.waited.has(seat)) {
    return MARKS.waited;
  }
  if (sets.attested.has(seat)) {
    return MARKS.attested;
  }
  if (sets.committed.has(seat)) {
    return MARKS.committed;
  }
  return sets.roster.has(seat) && state.phase !== "gathering" ? MARKS.missing : MARKS.resting;
}

function fillGrid(grid: HTMLElement, key: HTMLElement, seats: readonly Seat[], state: Now): void {
  const sets = {
    roster: new Set(state.roster), committed: new Set(state.committed),
    attested: new Set(state.attested), waited: new Set(state.waitedFor),
  };
  const isSmall = seats.length > LARGE;
  grid.classList.toggle("small", isSmall);
  const counts = new Map<Mark, number>();
  const cells = seats.map((one) => {
    const mark = markOf(one.seat, state, sets);
    counts.set(mark, (counts.get(mark) ?? 0) + 1);
    const bad = isFallen(one);
    const name = one.name ? ` “${one.name}”` : "";
    const says = `seat ${one.seat}${name}, ${mark.says}${bad ? `, ${one.standing.join(", ")}` : ""}`;
    return make(
      "li", {},
      make(
        "a",
        { href: address("seats", [one.seat]), class: `cell ${mark.kind}${bad ? " fallen" : ""}`, title: says, "data-key": one.seat },
        make("span", { class: "number" }, one.seat),
        make("span", { class: "sign", "aria-hidden": "true" }, mark.sign),
        isSmall ? null : make("span", { class: "name" }, chosenName(one)),
        make("span", { class: "word" }, isSmall ? make("span", { class: "unseen" }, mark.says) : mark.says),
        isSmall || !bad ? null : make("span", { class: "standing" }, one.standing.join(", ")),
      ),
    );
  });
  refill(grid, ...cells);
  const fallen = seats.filter(isFallen).length;
  const struck = isSmall && fallen > 0
    ? make("span", {}, make("span", { class: "swatch struck", "aria-hidden": "true" }, "5"), ` quarantined, suspended or out: ${fallen}`)
    : null;
  refill(key, ...(seats.length === 0
    ? ["Nobody has a seat yet: `folkmoot node` takes one."]
    : [...counts].map(([mark, number]) => make("span", {}, make("span", { class: `swatch ${mark.kind}`, "aria-hidden": "true" }, mark.sign), ` ${mark.says}: ${number}`))), struck);
}

function isFallen({ standing }: Seat): boolean {
  return standing.length > 0;
}

function newestRound(rounds: Rounds): HTMLElement {
  let at = rounds.number.length - 1;
  while (at >= 0 && rounds.settledAtS[at] === null) {
    at -= 1;
  }
  const number = rounds.number[at];
  if (number === undefined) {
    return make("p", {}, "No round is settled yet.");
  }
  const [opened, settled] = [rounds.openedAtS[at], rounds.settledAtS[at]];
  const facts: [string, string | number][] = [
    ["Committed", rounds.committed[at] ?? 0],
    ["Attested", rounds.attested[at] ?? 0],
    ["Accepted", rounds.accepted[at] ?? 0],
    ["Rejected", rounds.rejected[at] ?? 0],
    ["No verdict", rounds.unjudged[at] ?? 0],
    ["Took", typeof opened === "number" && typeof settled === "number" ? span(settled - opened) : "–"],
  ];
  return make(
    "div", {},
    make("p", {}, make("a", { href: address("rounds", [number]), "data-key": "newest" }, `Round ${number}`), `, settled at ${clock(settled)}`),
    make("dl", { class: "tiles" }, ...facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)))),
  );
}

function describeTrouble(state: Now): (Node | string)[] {
  const { openDisputes } = state;
  const disputes = openDisputes === 0 ? "No dispute is open." : `${count(openDisputes, "dispute")} open.`;
  return [
    make("a", { href: address("disputes"), "data-key": "disputes" }, disputes), " ",
    make("a", { href: address("findings"), "data-key": "findings" }, describeAudit(state)),
  ];
}

function describeAudit({ findings, audit }: Now): string {
  if (findings === null || audit.block === null) {
    return audit.state === "working" ? "An audit is being made: it has not reported yet."
      : audit.state === "failed" ? "The audit could not be made." : "No audit has been made for this page.";
  }
  const upTo = `up to block ${audit.block.toLocaleString("en")}`;
  const found = findings > 0 ? `The audit has ${count(findings, "finding")}, ${upTo}.`
    : audit.isWhole ? `The audit found nothing ${upTo}.` : `The audit found nothing ${upTo} in what it could look at, which is not all.`;
  return audit.state === "failed" ? `${found} It does not go on.` : found;
}
