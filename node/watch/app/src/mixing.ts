/** The graph of whose updates went into whose: rounds to the right, seats downwards, lines as wide as their weight. */

import type { Context } from "./context";
import { draw, make, say } from "./dom";
import { percent } from "./evidence";
import { seatText } from "./seat";
import { Table } from "./table";

export interface Node_ {
  round: number;
  seat: number;
  /** Of the update in the model; null where it is not in it. */
  coefficient: number | null;
  putIn: number | null;
}

export interface Edge {
  round: number;
  from: number;
  to: number;
  /** 0 to 1: the part of the base after the round. */
  weight: number;
}

export interface Graph {
  first: number;
  last: number;
  of: number | null;
  seats: number[];
  seatsLeft: number;
  nodes: Node_[];
  edges: Edge[];
}

const LEFT = 92;
const TOP = 34;
const COLUMN = 96;
const ROW = 46;
const LEAST = 5;
const LARGEST = 16;
const WIDEST = 9;

export function drawGraph(graph: Graph, context: Context): HTMLElement {
  const rows = new Map(graph.seats.map((seat, row) => [seat, row]));
  const x = (round: number): number => LEFT + (round - graph.first) * COLUMN;
  const y = (seat: number): number => TOP + (rows.get(seat) ?? 0) * ROW + ROW / 2;
  const width = x(graph.last + 1) + 60;
  const height = TOP + graph.seats.length * ROW + 8;
  const most = Math.max(...graph.nodes.map((node) => node.coefficient ?? 0), 1e-9);
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, class: "mixing", role: "group", "aria-label": "Who was mixed into whom" });
  for (let round = graph.first; round <= graph.last; round += 1) {
    svg.append(draw("text", { x: x(round), y: 18, class: "axis" }, round));
  }
  svg.append(draw("text", { x: x(graph.last + 1), y: 18, class: "axis" }, "bases"));
  for (const seat of graph.seats) {
    const label = draw("text", { x: 8, y: y(seat) + 5, class: seat === graph.of ? "row chosen" : "row" }, `seat ${seat}`);
    label.append(draw("title", {}, seatText(context.store, seat)));
    svg.append(label);
  }
  const lines = [...graph.edges].sort((a, b) => a.weight - b.weight).map((edge) => ({ edge, line: drawEdge(edge, graph, x, y) }));
  svg.append(draw("g", {}, ...lines.map(({ line }) => line)));
  const told = make("p", { class: "told", role: "status" }, "Choose an update to see where it went, and what its author's next base was made of.");
  const dots = new Map<string, SVGElement>();
  const choose = (node: Node_): void => {
    for (const { edge, line } of lines) {
      line.classList.toggle("out", edge.round === node.round && edge.from === node.seat);
      line.classList.toggle("in", edge.round === node.round && edge.to === node.seat && edge.from !== node.seat);
    }
    for (const [key, dot] of dots) {
      const isChosen = key === `${node.round} ${node.seat}`;
      dot.classList.toggle("chosen", isChosen);
      dot.setAttribute("tabindex", isChosen ? "0" : "-1");
    }
    svg.classList.add("chosen");
    say(told, describeNode(node, graph, context));
  };
  const bases = graph.seats.map((seat) => draw("rect", { x: x(graph.last + 1) - 6, y: y(seat) - 6, width: 12, height: 12, class: "base" }));
  svg.append(draw("g", {}, ...bases));
  graph.nodes.forEach((node, index) => {
    const size = node.coefficient === null ? LEAST : LEAST + (LARGEST - LEAST) * Math.sqrt(Math.abs(node.coefficient) / most);
    const dot = draw("circle", {
      cx: x(node.round), cy: y(node.seat), r: size, tabindex: index === 0 ? 0 : -1, role: "button",
      class: `update${node.coefficient === null ? " hollow" : ""}${node.seat === graph.of ? " marked" : ""}`,
      "aria-label": describeUpdate(node, context),
      on: { click: () => choose(node), focus: () => choose(node), keydown: (event) => step(event, node, graph, dots) },
    }, draw("title", {}, describeUpdate(node, context)));
    dots.set(`${node.round} ${node.seat}`, dot);
    svg.append(dot);
  });
  return make("div", {}, make("div", { class: "scroller pictured", role: "region", tabindex: "0", "aria-label": "Graph of mixings" }, svg), told);
}

function drawEdge(edge: Edge, graph: Graph, x: (round: number) => number, y: (seat: number) => number): SVGElement {
  const [from, to] = [x(edge.round), x(edge.round + 1)];
  const bend = COLUMN / 2.2;
  const marked = graph.of === null ? "" : edge.from === graph.of ? " of" : edge.to === graph.of ? " to" : "";
  return draw("path", {
    d: `M${from},${y(edge.from)} C${from + bend},${y(edge.from)} ${to - bend},${y(edge.to)} ${to},${y(edge.to)}`,
    class: `edge${edge.from === edge.to ? " kept" : ""}${marked}`,
    "stroke-width": (0.6 + WIDEST * edge.weight).toFixed(2),
  });
}

function step(event: KeyboardEvent, node: Node_, graph: Graph, dots: Map<string, SVGElement>): void {
  const row = graph.seats.indexOf(node.seat);
  const ways: Record<string, [number, number]> = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
  const way = ways[event.key];
  if (!way) {
    return;
  }
  event.preventDefault();
  // Over gaps: not every seat published in every round.
  for (let [round, at] = [node.round + way[0], row + way[1]]; round >= graph.first && round <= graph.last && at >= 0 && at < graph.seats.length; round += way[0], at += way[1]) {
    const found = dots.get(`${round} ${graph.seats[at]}`);
    if (found) {
      found.focus();
      return;
    }
  }
}

function describeUpdate(node: Node_, context: Context): string {
  const part = node.coefficient === null ? "not in the model" : `coefficient ${node.coefficient.toFixed(4)} in the model`;
  return `${seatText(context.store, node.seat)}, round ${node.round}: ${part}`;
}

function describeNode(node: Node_, graph: Graph, context: Context): string {
  const told = (edges: Edge[], end: "from" | "to"): string => edges
    .sort((a, b) => b.weight - a.weight)
    .map((edge) => `${seatText(context.store, edge[end])} ${percent(edge.weight)}`)
    .join(", ");
  const out = graph.edges.filter((edge) => edge.round === node.round && edge.from === node.seat && edge.to !== node.seat);
  const into = graph.edges.filter((edge) => edge.round === node.round && edge.to === node.seat && edge.from !== node.seat);
  const kept = graph.edges.find((edge) => edge.round === node.round && edge.from === node.seat && edge.to === node.seat);
  const parts = [
    `${describeUpdate(node, context)}.`,
    out.length === 0 ? "It was mixed into no other base." : `It became a part of the bases of ${told(out, "to")}.`,
    into.length === 0 ? "Its author's next base took nothing from others." : `Its author's next base is its own to ${percent(kept?.weight ?? 0)}, and of ${told(into, "from")}.`,
  ];
  return parts.join(" ");
}

/** The same as a table. */
export function listEdges(graph: Graph, context: Context): HTMLElement {
  const table = new Table<Edge>(
    [
      { title: "Round", value: (edge) => edge.round, isNumber: true },
      { title: "Update of", value: (edge) => edge.from, cell: (edge) => seatText(context.store, edge.from), isNumber: true },
      { title: "Into the base of", value: (edge) => edge.to, cell: (edge) => seatText(context.store, edge.to), isNumber: true },
      { title: "Part of it", value: (edge) => edge.weight, cell: (edge) => percent(edge.weight), isNumber: true },
    ],
    { caption: "Mixings", key: (edge) => `${edge.round} ${edge.from} ${edge.to}`, noun: "mixing", empty: "No mixing.", canFilter: true },
  );
  table.update(graph.edges);
  return make("details", {}, make("summary", { "data-key": "as table" }, "The graph as a table"), table.element);
}
