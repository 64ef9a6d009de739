/** All rounds as a picture, and one of them in full: who accepted whom, what happened when, what it left behind. */

import type { Commit, Judge, Round, Rounds } from "../api";
import type { Context, View } from "../context";
import { named } from "../copy";
import { make, refill, say } from "../dom";
import { count, list, moment, shorten, span, when, whenOrder } from "../format";
import { Matrix, readVerdicts, type Verdict } from "../matrix";
import { Plot } from "../plot";
import { address, readNumber } from "../router";
import { seatLink, seatLinks, seatText } from "../seat";
import { isWriting } from "../shell";
import { Table } from "../table";
import { drawTimeline } from "../timeline";

export const rounds: View = {
  title: "Rounds",
  path: "rounds",
  show(root, context, parameters) {
    let number = chosen(parameters.rest[0], context);
    const overview = make("section", { "aria-label": "All rounds" });
    const detail = make("section", { "aria-label": "One round" });
    root.append(overview, detail);
    showOverview(overview, context, (picked) => { location.hash = address("rounds", [picked]); });

    const box = make("input", { type: "number", min: 1, id: "round-number", inputmode: "numeric" });
    // Where the address leads to, which is shown a moment later: who presses twice goes two rounds on.
    let aim = number;
    const go = (to: number): void => {
      if (to >= 1 && to <= newest(context) && to !== aim) {
        aim = to;
        location.hash = address("rounds", [to]);
      }
    };
    const before = make("button", { type: "button", on: { click: () => go(aim - 1) } }, "← Before");
    const after = make("button", { type: "button", on: { click: () => go(aim + 1) } }, "After →");
    const form = make("form", { class: "bar", on: { submit: (event) => { event.preventDefault(); go(Number(box.value)); } } },
      before, make("label", { for: "round-number" }, "Round"), box, make("button", {}, "Show"), after);
    const body = make("div");
    const heading = make("h2");
    detail.append(heading, form, body);
    const press = (event: KeyboardEvent): void => {
      if (!isWriting(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey) {
        if (event.key === "ArrowLeft") {
          go(aim - 1);
        } else if (event.key === "ArrowRight") {
          go(aim + 1);
        }
      }
    };
    addEventListener("keydown", press, { signal: context.signal });

    const one = new OneRound(context);
    const tell = (): void => {
      say(heading, number === 0 ? "No round yet" : `Round ${number}`);
      box.value = String(number);
      box.max = String(newest(context));
      before.disabled = number <= 1;
      after.disabled = number >= newest(context);
    };
    tell();
    context.whenChanged(tell);
    if (newest(context) === 0) {
      form.hidden = true;
      body.append(make("p", {}, "Round 1 opens once enough peers have joined."));
      context.whenChanged((state) => {
        if (state.round > 0) {
          location.hash = address("rounds", [1]);
        }
      });
      return;
    }
    const refresh = context.follow(body, async () => {
      await context.seats();
      return context.get<Round>(`/api/rounds/${number}`);
    }, (place, round) => one.show(place, round), "the round");
    return ({ rest }) => {
      number = aim = chosen(rest[0], context);
      tell();
      context.announce(`Round ${number}`);
      void refresh();
      return true;
    };
  },
};

function newest({ now }: Context): number {
  return now.round;
}

/** The round that the address names; without one the newest that is settled. */
function chosen(part: string | undefined, context: Context): number {
  const { round, phase } = context.now;
  return readNumber(part) ?? (phase === "finished" ? round : Math.max(1, round - 1));
}

function showOverview(root: HTMLElement, context: Context, pick: (number: number) => void): void {
  const plot = new Plot({
    label: "Verdicts in each round: accepted, rejected and not given", xLabel: "round", yLabel: "verdicts", height: 220, onPick: pick,
  }, context.signal);
  const note = make("p", { class: "faint" }, "Click a round in the picture to see it below.");
  context.follow(root, () => context.get<Rounds>("/api/rounds"), (box, all) => {
    if (all.number.length === 0) {
      refill(box, make("p", {}, "No round has opened yet."));
      return;
    }
    if (!plot.element.isConnected) {
      refill(box, plot.element, note);
    }
    // Of the round under way there are not all verdicts yet, which would look like a fall.
    const { round, phase } = context.now;
    const whole = (values: readonly number[]): (number | null)[] =>
      values.map((value, at) => (all.number[at] === round && phase !== "finished" ? null : value));
    plot.update(all.number, [
      { label: "accepted", values: whole(all.accepted), colour: "blue" },
      { label: "rejected", values: whole(all.rejected), colour: "orange", dash: [8, 4] },
      { label: "no verdict", values: whole(all.unjudged), colour: "grey", dash: [2, 3] },
    ]);
  }, "the rounds");
}

class OneRound {
  readonly #context: Context;
  readonly #facts = make("p");
  readonly #matrix: Matrix;
  readonly #matrixKey = make("p", { class: "key" });
  readonly #noVerdicts = make("p", {}, "Nobody has attested in this round yet.");
  readonly #matrixTable: Table<Judge>;
  readonly #judges: Table<Judge>;
  readonly #picture = make("div");
  readonly #events: Table<Round["timeline"][number] & { index: number }>;
  readonly #commits: Table<Commit>;
  #place: HTMLElement | null = null;

  constructor(context: Context) {
    this.#context = context;
    const { store } = context;
    this.#matrix = new Matrix({
      label: "Who accepted whom: a row for each judge, a column for each author",
      read: (judge, author, verdict) => read(seatText(store, judge), seatText(store, author), judge === author, verdict),
      onPick: (judge, author) => { location.hash = judge === author ? address("seats", [author]) : address("distances", [judge, author]); },
    }, context.signal);
    this.#matrixTable = new Table<Judge>([
      { title: "Judge", value: (row) => row.judge, cell: (row) => seatLink(store, row.judge) },
      { title: "Accepted", value: (row) => row.accepted.length, cell: (row) => list(row.accepted) },
      { title: "Rejected", value: (row) => row.rejected.length, cell: (row) => list(row.rejected) },
      { title: "No verdict", value: (row) => row.unjudged.length, cell: (row) => list(row.unjudged) },
    ], { caption: "Verdicts by judge", key: (row) => row.judge, noun: "judge", empty: "Nobody has attested yet.", first: 20 });
    this.#commits = new Table<Commit>([
      { title: "Seat", value: (row) => row.seat, cell: (row) => seatLink(store, row.seat) },
      { title: "Digest", value: (row) => row.digest, cell: (row) => named(row.digest, `the digest of seat ${row.seat}`, shorten(row.digest)) },
      { title: "CID", value: (row) => row.cid, cell: (row) => named(row.cid, `the CID of seat ${row.seat}`, shorten(row.cid, 10, 6)) },
      { title: "Block", value: (row) => row.block, isNumber: true },
      { title: "Time", value: whenOrder, cell: (row) => when(row) },
      { title: "Transaction", value: (row) => row.tx, cell: (row) => row.tx === null ? "–" : named(row.tx, "the transaction", shorten(row.tx)) },
    ], { caption: "Updates committed", key: (row) => row.seat, noun: "update", empty: "Nobody has committed yet.", canFilter: true, first: 20 });
    this.#judges = new Table<Judge>([
      { title: "Judge", value: (row) => row.judge, cell: (row) => seatLink(store, row.judge) },
      { title: "Record's digest", value: (row) => row.record?.digest ?? null, cell: (row) => row.record ? named(row.record.digest, `the digest of the record of seat ${row.judge}`, shorten(row.record.digest)) : "–" },
      { title: "Record's CID", value: (row) => row.record?.cid ?? null, cell: (row) => row.record ? named(row.record.cid, `the CID of the record of seat ${row.judge}`, shorten(row.record.cid, 10, 6)) : "–" },
      { title: "Block", value: (row) => row.block, isNumber: true },
      { title: "Time", value: whenOrder, cell: (row) => when(row) },
      { title: "Transaction", value: (row) => row.tx, cell: (row) => row.tx === null ? "–" : named(row.tx, "the transaction", shorten(row.tx)) },
    ], { caption: "Verdicts attested", key: (row) => row.judge, noun: "attestation", empty: "Nobody has attested yet.", canFilter: true, first: 20 });
    this.#events = new Table<Round["timeline"][number] & { index: number }>([
      { title: "Time", value: whenOrder, cell: (row) => when(row) },
      { title: "Event", value: (row) => row.kind },
      { title: "Seat", value: (row) => row.seat, cell: (row) => row.seat === null ? "–" : seatLink(store, row.seat) },
      { title: "What", value: (row) => row.says, cell: (row) => make("bdi", {}, row.says) },
      { title: "Block", value: (row) => row.block, isNumber: true },
      { title: "Transaction", value: (row) => row.tx, cell: (row) => row.tx === null ? "–" : named(row.tx, "the transaction", shorten(row.tx)) },
    ], { caption: "Events of the round", key: (row) => row.index, noun: "event", empty: "Nothing has happened yet.", canFilter: true, first: 20 });
  }

  show(place: HTMLElement, round: Round): void {
    if (this.#place !== place) {
      this.#place = place;
      const asTable = make("details", {}, make("summary", {}, "The same as a table"), this.#matrixTable.element);
      refill(place, this.#facts, make("h3", {}, "Who accepted whom"), this.#noVerdicts, this.#matrixKey, this.#matrix.element, asTable,
        make("h3", {}, "What happened when"), this.#picture, this.#events.element,
        make("h3", {}, "Updates committed"), this.#commits.element,
        make("h3", {}, "Verdicts attested"), this.#judges.element);
    }
    refill(this.#facts, ...describe(round));
    const { seats, verdicts } = readVerdicts(round);
    const isEmpty = round.judges.length === 0;
    this.#noVerdicts.hidden = !isEmpty;
    this.#matrix.element.hidden = this.#matrixKey.hidden = isEmpty;
    refill(this.#matrixKey, ...keyOf(verdicts));
    this.#matrix.update(seats, seats, verdicts);
    this.#matrixTable.update(round.judges);
    refill(this.#picture, drawTimeline(round.timeline));
    this.#events.update(round.timeline.map((event, index) => ({ ...event, index })));
    this.#commits.update(round.commits);
    this.#judges.update(round.judges);
    const missing = round.roster.filter((seat) => !round.commits.some((commit) => commit.seat === seat));
    if (missing.length > 0) {
      this.#facts.append(" Without an update: ", missing.length > 12 ? list(missing, "", 12) : seatLinks(this.#context.store, missing), ".");
    }
  }
}

function describe(round: Round): (Node | string)[] {
  const { openedAtS, settledAtS } = round.phaseTimes;
  const took = typeof openedAtS === "number" && typeof settledAtS === "number" ? `, settled ${span(settledAtS - openedAtS)} later` : "";
  const opened = typeof openedAtS === "number" ? `Opened ${moment(openedAtS)}${took}. ` : "";
  const said = `${opened}${round.commits.length} of ${count(round.roster.length, "seat")} on the roster committed, ${round.judges.length} attested. `;
  return round.seed === null
    ? [said, "Who judges whom is not drawn yet."]
    : [said, "Seed of the draw: ", named(round.seed, "the seed", shorten(round.seed)), "."];
}

function keyOf(verdicts: Map<number, Verdict>): HTMLElement[] {
  const signs: [Verdict, string, string][] = [["accepted", "✓", "accepted"], ["rejected", "✕", "rejected"], ["unjudged", "·", "drawn, no verdict"]];
  const all = [...verdicts.values()];
  return signs.map(([kind, sign, says]) => make("span", {}, make("span", { class: `swatch ${kind}`, "aria-hidden": "true" }, sign), ` ${says}: ${all.filter((one) => one === kind).length}`));
}

function read(judge: string, author: string, isSelf: boolean, verdict: Verdict | null): string {
  if (isSelf) {
    return `${judge} does not judge itself.`;
  }
  const words = { accepted: "accepted", rejected: "rejected", unjudged: "gave no verdict on" };
  return verdict === null ? `${judge} was not drawn to judge ${author}.` : `${judge} ${words[verdict]} ${author}.`;
}
