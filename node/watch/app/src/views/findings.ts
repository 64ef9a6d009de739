/** What an audit found, in its own words: clean or not, by whom, with the evidence of each finding. */

import type { Placed } from "../api";
import type { Context, View } from "../context";
import { named } from "../copy";
import { make, refill } from "../dom";
import { Asked, facts, Folds, place } from "../evidence";
import { count, moment, sentence, shorten } from "../format";
import { bytes } from "../measures";
import { address, readNumber } from "../router";
import { seatLink, seatText } from "../seat";
import { Table } from "../table";

interface Anchor extends Placed {
  what: string;
  digest: string;
  cid: string;
}

interface Finding {
  round: number | null;
  fact: string;
  evidence: { name: string; value: string }[];
  onChain: Anchor[];
}

interface Group {
  seat: number | null;
  peer: string | null;
  auditorsName: string | null;
  check: string;
  statement: string;
  count: number;
  says: string;
  fault: string | null;
  blamed: boolean;
  findings: Finding[];
  left: number;
}

interface Check {
  check: string;
  statement: string;
  lookedAt: number;
  findings: number;
}

interface Holder {
  seat: number;
  tenure: number;
  peer: string;
  held: number;
  waitedFor: number;
  committed: number;
  attested: number;
  dozed: number;
  unreached: number;
  leftOut: number;
  spans: { held: number; attested: number; unreached: number }[];
}

interface Report {
  headline: string;
  clean: boolean;
  /** Every attestation up to its block was recomputed, and there is one. */
  whole: boolean;
  madeAt: string | null;
  madeBy: string;
  endpoint: string;
  block: number;
  blockHash: string;
  blockTimeS: number | null;
  rounds: number;
  scope: string;
  findings: number;
  checks: Check[];
  notChecked: string[];
  groups: Group[];
  groupsLeft: number;
  blobs: number;
  blobBytes: number;
  recomputed: number;
  availability: { spans: [number, number][]; holders: Holder[]; left: number };
  notes: string[];
}

interface Findings {
  state: "off" | "working" | "done" | "failed" | "report";
  says: string;
  progress: { done: number; total: number } | null;
  version: number;
  report: Report | null;
}

/** Of more seats than these the others are shown when they are asked for. */
const MANY = 32;

export const findings: View = {
  title: "Findings",
  path: "findings",
  show(root, context, { query }) {
    const seat = readNumber(query.get("seat"));
    const state = make("div");
    const box = make("div");
    const folds = new Folds();
    let shown = -1;
    new Asked<Findings>(
      context, root, "what the audit found",
      () => (seat === null ? "/api/findings" : `/api/findings?seat=${seat}`),
      (found) => found.state === "working" || found.state === "failed",
      (found) => {
        showState(state, found);
        if (found.version !== shown) {
          shown = found.version;
          showReport(box, found, seat, context, folds);
        }
      },
    );
    root.append(state, box);
  },
};

function showState(box: HTMLElement, { state, says, progress }: Findings): void {
  const words = { off: "No audit.", working: "An audit goes on behind this page.", done: "", failed: "The audit stands still.", report: "A report made elsewhere." };
  const bar = progress === null ? null : make("progress", { max: progress.total, value: progress.done, "aria-label": "rounds gone through" });
  refill(
    box,
    make(
      "p", { class: state === "failed" ? "note bad" : "note" },
      make("strong", {}, words[state]), words[state] === "" ? "" : " ", sentence(says),
      bar === null ? null : " ", bar, progress === null ? null : ` ${progress.done} of ${count(progress.total, "round")}`,
    ),
  );
}

function showReport(box: HTMLElement, { report }: Findings, seat: number | null, context: Context, folds: Folds): void {
  if (report === null) {
    refill(box);
    return;
  }
  const groups = report.groups;
  const [kind, sign] = !report.clean ? ["unclean", "✕"] : report.whole ? ["clean", "✓"] : ["partial", "◐"];
  refill(
    box,
    make("p", { class: `headline ${kind}` }, make("span", { class: "sign", "aria-hidden": "true" }, sign), " ", report.headline),
    report.clean && !report.whole ? make("p", {}, "Not all was looked at: see below what was not checked.") : null,
    make("p", { class: "faint" }, "This is the audit's word. The page passes it on and adds no judgement."),
    describeSource(report),
    make("h2", {}, seat === null ? `Findings: ${report.findings}` : `Findings about ${seatText(context.store, seat)}`),
    seat === null ? null : make("p", {}, make("a", { href: address("findings"), "data-key": "all" }, "Show those about all seats")),
    groups.length === 0 ? make("p", {}, seat === null ? "Nothing was found." : "Nothing was found about this seat.") : null,
    showSeats(listSeats(groups), context, folds),
    report.groupsLeft > 0 ? make("p", {}, `${count(report.groupsLeft, "more group")}: the report as a file has all.`) : null,
    make("h2", {}, "What was not checked"),
    report.notChecked.length === 0
      ? make("p", {}, "Nothing was left out, as far as the report says.")
      : make("ul", { class: "notes" }, ...report.notChecked.map((said) => make("li", {}, said))),
    ...showNotes(report.notes),
    make("h2", {}, "Checks"),
    showChecks(report.checks),
    ...showAvailability(report, context),
  );
}

function describeSource(report: Report): HTMLElement {
  const when = report.madeAt === null ? "" : moment(Date.parse(report.madeAt) / 1000);
  return facts(
    ["Up to", make("span", {}, `block ${report.block}`, report.blockTimeS === null ? "" : `, ${moment(report.blockTimeS)}`, " ", report.blockHash === "" ? null : named(report.blockHash, "the block's hash", shorten(report.blockHash, 12, 6)))],
    ["Recomputed", `${count(report.recomputed, "attestation")} of ${report.scope || "no round"}`],
    ["Blobs", `${report.blobs.toLocaleString("en")} fetched, ${bytes(report.blobBytes)}`],
    ["Made", `${when === "" ? "" : `${when}, `}by ${report.madeBy}`],
    ["Told by", report.endpoint === "" ? null : `the endpoint at ${report.endpoint}`],
  );
}

/** Groups of one seat and holder together, in the order of the audit's. */
function listSeats(groups: readonly Group[]): Group[][] {
  const seats: Group[][] = [];
  for (const group of groups) {
    const last = seats.at(-1)?.[0];
    if (last && last.seat === group.seat && last.peer === group.peer) {
      seats.at(-1)!.push(group);
    } else {
      seats.push([group]);
    }
  }
  return seats;
}

/** The first of many seats, and the others where they are asked for. */
function showSeats(seats: Group[][], context: Context, folds: Folds): HTMLElement {
  const box = make("div", {}, ...seats.slice(0, MANY).map((of) => showSeat(of, context, folds)));
  if (seats.length > MANY) {
    const left = seats.length - MANY;
    const all = make("button", { type: "button", "data-key": "all seats", on: { click: () => {
      all.remove();
      box.append(...seats.slice(MANY).map((of) => showSeat(of, context, folds)));
    } } }, `Show ${count(left, "more seat")}`);
    box.append(all);
  }
  return box;
}

function showSeat(groups: Group[], context: Context, folds: Folds): HTMLElement {
  const first = groups[0]!;
  const head = first.seat === null
    ? make("h3", {}, "Of no seat")
    : make("h3", {}, "Seat ", seatLink(context.store, first.seat));
  const peer = first.peer === null ? null : make(
    "p", { class: "faint" }, first.auditorsName === null ? "" : `${first.auditorsName}, as the auditor calls it, `, named(first.peer, "the address", first.peer),
  );
  return make("section", { class: "card" }, head, peer, ...groups.map((group) => showGroup(group, folds)));
}

function showGroup(group: Group, folds: Folds): HTMLElement {
  const key = `${group.seat} ${group.peer} ${group.check} ${group.says}`;
  const fault = group.fault === null ? null : make("p", { class: "fault" }, "At fault: ", group.fault, group.blamed ? "." : ". No seat is blamed for it.");
  return make(
    "div", { class: "group" },
    make("p", {}, make("span", { class: "tag", title: group.statement }, group.check), " ", group.says, "."),
    fault,
    folds.make(key, [`Evidence of ${count(group.findings.length, "finding")}`], (body) => {
      body.append(...group.findings.map(showFinding));
      if (group.left > 0) {
        const more = group.seat === null ? "" : make("a", { href: address("findings", [], { seat: group.seat }) }, "all about this seat");
        body.append(make("p", {}, `${count(group.left, "finding")} more: `, more));
      }
    }),
  );
}

function showFinding(finding: Finding): HTMLElement {
  return make(
    "article", { class: "finding" },
    make("p", {}, finding.round === null ? null : make("a", { href: address("rounds", [finding.round]) }, `Round ${finding.round}`), finding.round === null ? "" : ": ", finding.fact, "."),
    ...finding.onChain.map((anchor) => make(
      "p", { class: "anchor" },
      `${anchor.what}: CID `, named(anchor.cid, "the CID", shorten(anchor.cid, 14, 6)),
      " digest ", named(anchor.digest, "the digest", shorten(anchor.digest, 12, 6)), " ", place(anchor),
    )),
    finding.evidence.length === 0 ? null : make("dl", { class: "tight" }, ...finding.evidence.map(({ name, value }) => make(
      "div", {}, make("dt", {}, name), make("dd", {}, make("code", {}, value)),
    ))),
  );
}

function showNotes(notes: string[]): HTMLElement[] {
  return notes.length === 0 ? [] : [make("h2", {}, "Notes"), make("ul", { class: "notes" }, ...notes.map((note) => make("li", {}, note)))];
}

function showChecks(checks: Check[]): HTMLElement {
  const table = new Table<Check>(
    [
      { title: "Check", value: (one) => one.check },
      { title: "Holds when", value: (one) => one.statement, cell: (one) => make("span", { class: "statement" }, one.statement) },
      { title: "Looked at", value: (one) => one.lookedAt, cell: (one) => one.lookedAt.toLocaleString("en"), isNumber: true },
      { title: "Findings", value: (one) => one.findings, cell: (one) => (one.findings > 0 ? make("strong", { class: "bad" }, `✕ ${one.findings}`) : one.lookedAt > 0 ? "✓ 0" : "–"), isNumber: true },
    ],
    { caption: "The audit's checks", key: (one) => one.check, noun: "check", empty: "No check." },
  );
  table.update(checks);
  return table.element;
}

function showAvailability({ availability }: Report, context: Context): HTMLElement[] {
  const { holders, spans, left } = availability;
  if (holders.length === 0) {
    return [];
  }
  const table = new Table<Holder>(
    [
      { title: "Seat", value: (one) => one.seat, cell: (one) => seatLink(context.store, one.seat), isNumber: true },
      { title: "Held", value: (one) => one.held, isNumber: true, hint: "Rounds in which it had the seat" },
      { title: "Waited for", value: (one) => one.waitedFor, isNumber: true },
      { title: "Committed", value: (one) => one.committed, isNumber: true },
      { title: "Attested", value: (one) => one.attested, isNumber: true },
      { title: "Dozed", value: (one) => one.dozed, isNumber: true, hint: "Rounds that opened while nobody waited for it" },
      { title: "Not reached", value: (one) => one.unreached, isNumber: true, hint: "Rounds in which more than half of its judges could not get its update, they say" },
      { title: "Over time", value: (one) => one.attested, cell: (one) => showSpans(one, spans) },
    ],
    { caption: "Who took part, by the chain alone", key: (one) => `${one.seat} ${one.tenure}`, noun: "holder", empty: "Nobody." },
  );
  table.update(holders);
  return [
    make("h2", {}, "Availability"),
    make("p", {}, "How each holder of a seat took part, by the chain alone. Absence proves no fault, and the audit blames nobody for it."),
    table.element,
    ...(left > 0 ? [make("p", {}, `${count(left, "more holder")} in the report as a file.`)] : []),
  ];
}

/** A bar for each span of rounds, as high as the part of its rounds in which it attested. */
function showSpans(holder: Holder, spans: [number, number][]): HTMLElement {
  const said = holder.spans.map((one, index) => `${spans[index]?.[0]}–${spans[index]?.[1]}: ${one.attested} of ${one.held}`).join("; ");
  const bars = holder.spans.map((one) => {
    const bar = make("span", { class: one.held === 0 ? "none" : "" });
    bar.style.setProperty("--part", String(one.held === 0 ? 0 : one.attested / one.held));
    return bar;
  });
  return make("span", { class: "spans", role: "img", "aria-label": `attested in rounds ${said}`, title: said }, ...bars);
}
