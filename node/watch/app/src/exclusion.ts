/** Why a seat was excluded, step by step as the chain has it, and what the audit says of it. For the seat's page. */

import type { Placed } from "./api";
import type { Context } from "./context";
import { named } from "./copy";
import { make, refill, type Child } from "./dom";
import { Asked, listSteps } from "./evidence";
import { list, share, shorten } from "./format";
import { address } from "./router";
import { Table } from "./table";

interface Step extends Placed {
  kind: string;
  isExcluding: boolean;
  round: number;
  peer: string;
  says: string;
}

interface Judged {
  round: number;
  accepted: number[];
  rejected: number[];
  attested: boolean;
  reputation: number;
}

interface Exclusion {
  seat: number;
  isExcluded: boolean;
  says: string;
  steps: Step[];
  record: Judged[];
  disputes: { dispute: number; round: number; upheld: boolean; says: string }[];
  findings: { upToBlock: number; groups: { check: string; says: string; fault: string | null; blamed: boolean; peer: string | null }[] } | null;
}

/** Fill a part of the page of a seat, and keep it up to date. */
export function showExclusion(root: HTMLElement, context: Context, seat: number): void {
  const box = make("div");
  let drawn = "";
  new Asked<Exclusion>(context, root, "why the seat stands as it does", () => `/api/exclusion/${seat}`, () => false, (found) => {
    const key = JSON.stringify(found);
    if (key !== drawn) {
      drawn = key;
      refill(box, ...describe(found));
    }
  });
  root.append(box);
}

function describe(found: Exclusion): Child[] {
  const told = found.steps.filter((step) => step.kind !== "joined" || step.round > 0);
  return [
    make("p", { class: found.isExcluded ? "headline unclean" : "lead" }, found.isExcluded ? make("span", { class: "sign", "aria-hidden": "true" }, "✕ ") : null, found.says),
    told.length === 0
      ? make("p", {}, "It was never quarantined, suspended, ejected or convicted.")
      : listSteps(told, (step) => (step.isExcluding ? "bad" : ""), (step) => step.says),
    ...found.disputes.map((one) => make(
      "p", {}, make("span", { class: "sign", "aria-hidden": "true" }, one.upheld ? "✕ " : "· "), one.says, " ",
      make("a", { href: address("disputes", [one.dispute]), "data-key": `about ${one.dispute}` }, "How it went"),
    )),
    ...describeFindings(found),
    ...(found.record.length > 0 ? [recordTable(found)] : []),
  ];
}

function describeFindings({ seat, findings }: Exclusion): Child[] {
  if (findings === null) {
    return [make("p", { class: "faint" }, "No audit has ended behind this page yet.")];
  }
  if (findings.groups.length === 0) {
    return [make("p", {}, `The audit found nothing about this seat, up to block ${findings.upToBlock}.`)];
  }
  return [
    make("p", {}, `The audit says of it, up to block ${findings.upToBlock}:`),
    make("ul", {}, ...findings.groups.map((group) => make(
      "li", {}, make("span", { class: "tag" }, group.check), ` ${group.says}.`,
      group.fault === null ? null : ` At fault: ${group.fault}.`,
      group.peer === null ? null : " ", group.peer === null ? null : named(group.peer, "the address", shorten(group.peer)),
    ))),
    make("p", {}, make("a", { href: address("findings", [], { seat }), "data-key": "evidence" }, "The evidence of each")),
  ];
}

function recordTable({ record }: Exclusion): HTMLElement {
  const table = new Table<Judged>(
    [
      { title: "Round", value: (one) => one.round, cell: (one) => make("a", { href: address("rounds", [one.round]) }, one.round), isNumber: true },
      { title: "Accepted by", value: (one) => one.accepted.length, cell: (one) => list(one.accepted, "nobody") },
      { title: "Rejected by", value: (one) => one.rejected.length, cell: (one) => list(one.rejected, "nobody") },
      { title: "Attested", value: (one) => (one.attested ? "yes" : "no") },
      { title: "Reputation after it", value: (one) => one.reputation, cell: (one) => share(one.reputation), isNumber: true },
    ],
    { caption: "Who judged it how", key: (one) => one.round, noun: "round", empty: "It was never judged." },
  );
  table.update([...record].reverse());
  return make("details", {}, make("summary", { "data-key": "record" }, "Who judged it how, round by round"), table.element);
}
