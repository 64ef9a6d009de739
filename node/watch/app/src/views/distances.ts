/** How far an author's updates were from where a judge stood, and how far the judge reaches, with each verdict. */

import { fetchJson, type Round, type Seat } from "../api";
import type { Context, View } from "../context";
import { make, refill, say } from "../dom";
import { capital, count, list } from "../format";
import { drawMarks, SIGNS, type Mark, type Marked } from "../marks";
import { Matrix, readVerdicts } from "../matrix";
import { digits } from "../measures";
import { Plot, type Line } from "../plot";
import { askAgainWhilePending } from "../polling";
import { address, readNumber, replaceAddress } from "../router";
import { seatText } from "../seat";
import { Table } from "../table";

interface Point {
  round: number;
  verdict: "accepted" | "rejected" | "invalid" | "unjudged";
  distance?: number | null;
  reach?: number | null;
  mixed?: boolean;
  reason?: string | null;
  known?: "pending" | "missing";
}

interface Distances {
  judge: number;
  author: number;
  rule: string;
  what: [string, string];
  unit: string;
  gate: number | null;
  points: Point[];
  reasons: Record<string, string>;
  holders: { round: number; seat: number; holder: number }[];
  pending: number;
  missing: { says: string; rounds: number[] }[];
  leftOut: number;
  says: string;
}

export const distances: View = {
  title: "Distances",
  path: "distances",
  async show(root, context, parameters) {
    const seats = await context.seats();
    if (seats.length < 2) {
      root.append(make("p", {}, "A judge and an author are needed, and fewer than two seats are taken."));
      return;
    }
    const pair = new Pair(seats, () => void change());
    pair.read(parameters.rest);
    const picture = new Picture(context);
    root.append(pair.element);
    const refresh = context.follow(root, () => fetchJson<Distances>(`/api/distances?judge=${pair.judge}&author=${pair.author}`, context.signal), (box, value) => {
      picture.show(box, value);
      pending(value.pending);
    }, "the distances");
    const pending = askAgainWhilePending(context, refresh);
    const change = async (): Promise<void> => {
      replaceAddress(address("distances", [pair.judge, pair.author]));
      context.announce(`Judge ${pair.judge}, author ${pair.author}`);
      await refresh();
    };
    showMatrix(root, context, (judge, author) => {
      pair.choose(judge, author);
      pair.element.scrollIntoView({ block: "nearest" });
    });
    return ({ rest }) => {
      pair.read(rest);
      void refresh();
      return true;
    };
  },
};

/** Who judges whom: two lists, and a button that turns them round. */
class Pair {
  judge = 0;
  author = 1;
  readonly element: HTMLElement;
  readonly #judges: HTMLSelectElement;
  readonly #authors: HTMLSelectElement;
  readonly #seats: readonly Seat[];
  readonly #changed: () => void;

  constructor(seats: readonly Seat[], changed: () => void) {
    [this.#seats, this.#changed] = [seats, changed];
    const options = (): HTMLElement[] => seats.map(({ seat, name }) => make("option", { value: seat }, name ? `${seat} “${name}”` : seat));
    this.#judges = make("select", { id: "judge", on: { change: () => this.choose(Number(this.#judges.value), this.author) } }, ...options());
    this.#authors = make("select", { id: "author", on: { change: () => this.choose(this.judge, Number(this.#authors.value)) } }, ...options());
    this.element = make(
      "p", { class: "bar pair" },
      make("label", { for: "judge" }, "Judge"), this.#judges,
      make("label", { for: "author" }, "Author"), this.#authors,
      make("button", { type: "button", title: "Judge and author change places", on: { click: () => this.choose(this.author, this.judge) } }, "⇄ Swap"),
    );
  }

  /** Take what the address names; else the seat lowest in reputation is the author, and the highest judges it. */
  read(rest: readonly string[]): void {
    const ranked = [...this.#seats].sort((a, b) => a.reputation - b.reputation);
    const isSeat = (number: number | null): number is number => number !== null && this.#seats.some(({ seat }) => seat === number);
    const [judge, author] = [readNumber(rest[0]), readNumber(rest[1])];
    this.author = isSeat(author) ? author : ranked.find(({ seat }) => seat !== judge)!.seat;
    this.judge = isSeat(judge) && judge !== this.author ? judge : ranked.findLast(({ seat }) => seat !== this.author)!.seat;
    this.#tell();
  }

  choose(judge: number, author: number): void {
    if (judge === author) {
      // Nobody judges itself: who was there changes places.
      [judge, author] = [this.author, this.judge];
    }
    [this.judge, this.author] = [judge, author];
    this.#tell();
    this.#changed();
  }

  #tell(): void {
    this.#judges.value = String(this.judge);
    this.#authors.value = String(this.author);
  }
}

/** The picture of one pair and its table. */
class Picture {
  readonly #context: Context;
  readonly #lead = make("p", { class: "lead" });
  readonly #waits = make("p", { class: "faint", role: "status" });
  readonly #missing = make("ul", { class: "troubles" });
  readonly #key = make("p", { class: "key" });
  readonly #says = make("p", { class: "note" });
  readonly #isLog = make("input", { type: "checkbox", id: "log", on: { change: () => this.#draw() } });
  readonly #scale = make("p", { class: "bar" }, this.#isLog, make("label", { for: "log" }, "Logarithmic scale"));
  readonly #place = make("div");
  readonly #table: Table<Point>;
  #plot: Plot | null = null;
  #plotEnds = new AbortController();
  #plotIs = "";
  #marks: Marked[] = [];
  #value: Distances | null = null;

  constructor(context: Context) {
    this.#context = context;
    this.#isLog.checked = true;
    this.#table = new Table<Point>([
      { title: "Round", value: (row) => row.round, cell: (row) => make("a", { href: address("rounds", [row.round]) }, row.round), isNumber: true },
      { title: "Verdict", value: (row) => row.verdict, cell: (row) => make("span", { class: "whole" }, `${SIGNS[row.verdict].sign} ${row.verdict === "unjudged" ? "no verdict" : row.verdict}`) },
      { title: "Distance", value: (row) => row.distance ?? null, cell: (row) => number(row.distance), isNumber: true },
      { title: "Reach", value: (row) => row.reach ?? null, cell: (row) => number(row.reach), isNumber: true },
      { title: "Times the reach", value: (row) => times(row), cell: (row) => number(times(row)), isNumber: true },
      { title: "Mixed", value: (row) => row.mixed === undefined ? null : row.mixed ? "yes" : "no", hint: "Whether it entered the judge's next base" },
      { title: "Why", value: (row) => this.#explain(row) },
    ], { caption: "Distance and reach by round", key: (row) => row.round, noun: "round", empty: "In no round so far did this judge have this author to judge.", sortBy: "Round" });
  }

  show(box: HTMLElement, value: Distances): void {
    this.#value = value;
    if (!this.#lead.isConnected) {
      refill(box, this.#lead, this.#waits, this.#key, this.#place, this.#scale, this.#missing, this.#says, make("h2", {}, "Round by round"), this.#table.element);
    }
    say(this.#lead, describe(value, (seat) => seatText(this.#context.store, seat)));
    say(this.#waits, value.pending > 0 ? `Fetching the judge's records: ${count(value.pending, "more", "more")}.` : "");
    this.#waits.hidden = value.pending === 0;
    refill(this.#missing, ...value.missing.map(({ says, rounds }) => make("li", {}, `${rounds.length === 1 ? "Round" : "Rounds"} ${list(rounds, "", 12)}: ${says}.`)), ...value.holders.map(({ round, seat, holder }) => make("li", {}, `From round ${round} on seat ${seat} is held by another peer, its holder ${holder}.`)));
    this.#missing.hidden = value.missing.length + value.holders.length === 0;
    say(this.#says, value.says);
    this.#table.update(value.points);
    this.#draw();
  }

  #draw(): void {
    const value = this.#value;
    if (value === null) {
      return;
    }
    const known = value.points.filter(({ distance }) => typeof distance === "number");
    const canBeLog = known.length > 0 && known.every(({ distance, reach }) => distance! > 0 && (typeof reach !== "number" || reach > 0));
    this.#scale.hidden = !canBeLog;
    this.#place.hidden = this.#key.hidden = value.points.length === 0;
    const isLog = canBeLog && this.#isLog.checked;
    const [distance, reach] = value.what.map(capital) as [string, string];
    this.#marks = value.points.map((point) => ({ x: point.round, y: point.distance ?? null, mark: markOf(point) }));
    const xs = value.points.map(({ round }) => round);
    const lines: Line[] = [
      { label: distance.toLowerCase(), values: value.points.map((point) => point.distance ?? null), colour: "sky", width: 1, hasNoPoints: true },
      { label: reach.toLowerCase(), values: value.points.map((point) => point.reach ?? null), colour: "orange", width: 2, dash: [8, 4], hasNoPoints: true },
    ];
    if (value.gate !== null) {
      lines.push({ label: `gate, at least ${digits(value.gate)} times the reach`, values: value.points.map((point) => (typeof point.reach === "number" ? point.reach * value.gate! : null)), colour: "grey", width: 1, dash: [2, 3], hasNoPoints: true });
    }
    const is = `${isLog} ${value.what.join()}`;
    if (this.#plot === null || this.#plotIs !== is) {
      this.#plotIs = is;
      this.#plotEnds.abort();
      this.#plotEnds = new AbortController();
      this.#plot = new Plot({
        label: `${distance} and ${reach.toLowerCase()} by round, with the verdict as a mark`, xLabel: "round", yLabel: `${value.what[0]}, in ${value.unit.split(":")[0]!}`,
        height: 360, format: digits, formatY: digits, isLog, drawOver: (plot, ratio) => drawMarks(plot, this.#marks, ratio),
        onPick: (round) => { location.hash = address("rounds", [round]); },
      }, AbortSignal.any([this.#context.signal, this.#plotEnds.signal]));
      refill(this.#place, this.#plot.element);
    }
    this.#plot.update(xs, lines);
    const counts = new Map<Mark, number>();
    for (const { mark } of this.#marks) {
      counts.set(mark, (counts.get(mark) ?? 0) + 1);
    }
    refill(this.#key, ...[...counts].map(([mark, times]) => make("span", {}, make("span", { class: `sign-of ${SIGNS[mark].paint}`, "aria-hidden": "true" }, SIGNS[mark].sign), ` ${SIGNS[mark].says}: ${times}`)));
  }

  #explain(point: Point): string {
    if (point.known !== undefined) {
      return point.known === "pending" ? "the record is being fetched" : "the record is missing";
    }
    return point.reason ? (this.#value?.reasons[point.reason] ?? "") : "";
  }
}

function describe({ judge, author, points, leftOut }: Distances, name: (seat: number) => string): string {
  const judged = points.filter(({ verdict }) => verdict !== "unjudged");
  const accepted = judged.filter(({ verdict }) => verdict === "accepted").length;
  if (points.length === 0) {
    return `${capital(name(judge))} has not had ${name(author)} to judge in any round so far.`;
  }
  const older = leftOut > 0 ? ` ${count(leftOut, "older round")} left out.` : "";
  return `${capital(name(judge))} accepted ${name(author)} in ${accepted} of ${count(judged.length, "round")} in which it judged it.${older}`;
}

function markOf(point: Point): Mark {
  return point.known !== undefined ? "waiting" : point.verdict;
}

function number(value: number | null | undefined): string {
  return typeof value === "number" ? digits(value) : "–";
}

function times({ distance, reach }: Point): number | null {
  return typeof distance === "number" && typeof reach === "number" && reach > 0 ? distance / reach : null;
}

/** The newest settled round's verdicts, to choose a pair by its cell. */
function showMatrix(root: HTMLElement, context: Context, pick: (judge: number, author: number) => void): void {
  const place = make("section", { "aria-label": "Choose a pair" });
  const heading = make("h2");
  const matrix = new Matrix({
    label: "Verdicts of the newest settled round: choose a judge's row and an author's column",
    read: (judge, author, verdict) => `Judge ${seatText(context.store, judge)}, author ${seatText(context.store, author)}: ${verdict ?? (judge === author ? "itself" : "not its neighbour in this round")}. Enter or a click shows their distances.`,
    onPick: (judge, author) => {
      if (judge !== author) {
        pick(judge, author);
      }
    },
  }, context.signal);
  const newest = (): number => (context.now.phase === "finished" || context.now.following.state === "bundle" ? context.now.round : context.now.round - 1);
  if (newest() < 1) {
    return;
  }
  root.append(place);
  place.append(heading);
  context.follow(place, () => context.get<Round>(`/api/rounds/${Math.max(1, newest())}`), (box, round) => {
    if (!matrix.element.isConnected) {
      refill(box, make("p", { class: "faint" }, "A cell is a pair: its row the judge, its column the author."), matrix.element);
    }
    say(heading, `Choose a pair: who accepted whom in round ${round.number}`);
    const { seats, verdicts } = readVerdicts(round);
    matrix.update(seats, seats, verdicts);
  }, "the newest round");
}
