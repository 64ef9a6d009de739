/** What nodes on this machine say of their own rounds, a line a seat. */

import { fetchJson } from "../api";
import type { View } from "../context";
import { make, refill, say } from "../dom";
import { moment } from "../format";
import { digits, inUnit, short } from "../measures";
import { joinRounds, Plot } from "../plot";
import { address, replaceAddress } from "../router";
import { seatLink, seatText } from "../seat";
import { Table } from "../table";

interface Metric {
  name: string;
  unit: string;
  better: "higher" | "lower" | null;
}

interface Row {
  source: string;
  reports: number;
  lastRound: number;
  lastAtS: number;
  rounds: number[];
  values: Record<string, (number | null)[]>;
}

interface Figures {
  metrics: Metric[];
  metric: string | null;
  seats: Record<string, Row>;
  folders: number;
  troubles: string[];
  says: string;
}

interface Summary {
  seat: number;
  row: Row;
  last: number | null;
  best: number | null;
}

/** Nodes report between two changes of the circle, too. */
const AGAIN_MS = 5_000;

export const figures: View = {
  title: "Figures",
  path: "figures",
  async show(root, context, { query }) {
    const { store } = context;
    let metric: Metric | null = null;
    let asked = query.get("metric") ?? "";
    const lead = make("p", { class: "note" });
    const select = make("select", { id: "metric", on: { change: () => {
      asked = select.value;
      replaceAddress(address("figures", [], { metric: asked }));
      void refresh();
    } } });
    const direction = make("span", { class: "faint" });
    const bar = make("p", { class: "bar" }, make("label", { for: "metric" }, "Show"), select, direction);
    const troubles = make("ul", { class: "troubles" });
    const plot = new Plot({
      label: "The chosen figure of each node here, by round", xLabel: "round", yLabel: "", height: 340,
      format: (value) => (metric === null ? digits(value) : inUnit(value, metric.unit)), formatY: short,
    }, context.signal);
    const table = new Table<Summary>([
      { title: "Seat", value: (row) => row.seat, cell: (row) => seatLink(store, row.seat) },
      { title: "Newest", value: (row) => row.last, cell: (row) => inMetric(row.last), isNumber: true },
      { title: "Best", value: (row) => row.best, cell: (row) => inMetric(row.best), isNumber: true, hint: "Where it is said which way is better" },
      { title: "Last round", value: (row) => row.row.lastRound, isNumber: true },
      { title: "Reports", value: (row) => row.row.reports, isNumber: true },
      { title: "Said at", value: (row) => row.row.lastAtS, cell: (row) => moment(row.row.lastAtS) },
      { title: "Folder", value: (row) => row.row.source, cell: (row) => make("code", {}, row.row.source) },
    ], { caption: "Nodes here and their newest figures", key: (row) => row.seat, noun: "node", empty: "No node here has reported a round yet." });
    const inMetric = (value: number | null): string => (value === null ? "–" : inUnit(value, metric?.unit ?? ""));
    await context.seats();
    const refresh = context.follow(root, () => {
      const path = asked === "" ? "/api/figures" : `/api/figures?metric=${encodeURIComponent(asked)}`;
      return fetchJson<Figures>(path, context.signal);
    }, (box, value) => {
      if (value.folders === 0) {
        refill(box, make("p", {}, "The page was given no folder of a node. Nodes keep what they report in their folders: start the page with ", make("code", {}, "folkmoot watch --folder FOLDER"), ", once for each node on this machine."));
        return;
      }
      if (!lead.isConnected) {
        refill(box, lead, bar, troubles, plot.element, make("h2", {}, "Nodes here"), table.element);
      }
      say(lead, value.says);
      refill(troubles, ...value.troubles.map((trouble) => make("li", {}, trouble)));
      troubles.hidden = value.troubles.length === 0;
      metric = value.metrics.find(({ name }) => name === value.metric) ?? null;
      fillSelect(select, value);
      bar.hidden = plot.element.hidden = metric === null;
      say(direction, metric?.better ? `${metric.better} is better` : "which way is better, nobody says");
      const rows = Object.entries(value.seats).map(([seat, row]) => summarise(Number(seat), row, metric));
      table.update(rows);
      if (metric !== null) {
        const { name } = metric;
        const { xs, lines } = joinRounds(rows.map(({ seat, row }) => ({ label: seatText(store, seat), rounds: row.rounds, values: row.values[name] ?? [] })));
        plot.update(xs, lines);
      }
    }, "the figures");
    context.every(AGAIN_MS, () => void refresh());
    return (changed) => {
      asked = changed.query.get("metric") ?? "";
      void refresh();
      return true;
    };
  },
};

function fillSelect(select: HTMLSelectElement, { metrics, metric }: Figures): void {
  const names = metrics.map(({ name }) => name).join("\n");
  if (select.dataset["names"] !== names) {
    select.dataset["names"] = names;
    select.replaceChildren(...metrics.map(({ name }) => make("option", { value: name }, name)));
  }
  if (metric !== null) {
    select.value = metric;
  }
}

function summarise(seat: number, row: Row, metric: Metric | null): Summary {
  const values = metric === null ? [] : (row.values[metric.name] ?? []);
  const known = values.filter((value) => value !== null);
  const pick = metric?.better === "higher" ? Math.max : metric?.better === "lower" ? Math.min : null;
  const best = pick === null || known.length === 0 ? null : known.reduce((a, b) => pick(a, b));
  return { seat, row, last: values.at(-1) ?? null, best };
}
