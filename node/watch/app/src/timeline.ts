/** A round as a picture: what happened when, a lane for each kind of event. */

import type { Happening } from "./api";
import { draw, make } from "./dom";
import { clock, count, span } from "./format";

const WIDTH = 720;
const LANE = 26;
const LEFT = 118;
const RIGHT = 14;
const SIGNS: Record<string, { colour: string; sign: "dot" | "bar" | "square" }> = {
  opened: { colour: "ink", sign: "bar" },
  committed: { colour: "blue", sign: "dot" },
  drawn: { colour: "ink", sign: "bar" },
  attested: { colour: "green", sign: "square" },
  settled: { colour: "ink", sign: "bar" },
};
const OTHER = { colour: "orange", sign: "dot" } as const;

/** Null where too little has a time to draw anything. */
export function drawTimeline(events: readonly Happening[]): HTMLElement | null {
  const timed = events.filter((event): event is Happening & { timeS: number } => event.timeS !== null);
  if (timed.length < 2) {
    return null;
  }
  const from = Math.min(...timed.map(({ timeS }) => timeS));
  const to = Math.max(...timed.map(({ timeS }) => timeS), from + 1);
  const kinds = [...new Set(timed.map(({ kind }) => kind))];
  const place = (timeS: number): number => LEFT + ((timeS - from) / (to - from)) * (WIDTH - LEFT - RIGHT);
  const height = kinds.length * LANE + 30;
  const words = kinds.map((kind) => `${kind}: ${timed.filter((event) => event.kind === kind).length}`).join(", ");
  const picture = draw("svg", {
    class: "timeline", viewBox: `0 0 ${WIDTH} ${height}`, role: "img",
    "aria-label": `Events from ${clock(from)} to ${clock(to)}: ${words}`,
  });
  kinds.forEach((kind, lane) => {
    const y = lane * LANE + LANE / 2;
    const { colour, sign } = SIGNS[kind] ?? OTHER;
    const own = timed.filter((event) => event.kind === kind);
    picture.append(
      draw("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y, class: "lane" }),
      draw("text", { x: LEFT - 10, y: y + 4, "text-anchor": "end" }, kind),
    );
    for (const [timeS, several] of groupByTime(own)) {
      picture.append(mark(place(timeS), y, sign, `event ${colour}`, several, timeS - from));
    }
  });
  const foot = kinds.length * LANE + 18;
  picture.append(
    draw("text", { x: LEFT, y: foot, class: "faint" }, clock(from)),
    draw("text", { x: WIDTH - RIGHT, y: foot, class: "faint", "text-anchor": "end" }, `${clock(to)}, ${span(to - from)} later`),
  );
  return make("div", { class: "timeline-place", tabindex: "0", role: "region", "aria-label": "Events as a picture" }, picture);
}

function groupByTime(events: readonly (Happening & { timeS: number })[]): Map<number, Happening[]> {
  const groups = new Map<number, Happening[]>();
  for (const event of events) {
    groups.set(event.timeS, [...(groups.get(event.timeS) ?? []), event]);
  }
  return groups;
}

function mark(x: number, y: number, sign: "dot" | "bar" | "square", kind: string, events: readonly Happening[], afterS: number): SVGElement {
  const size = Math.min(10, 4 + Math.sqrt(events.length));
  const shape = sign === "dot" ? draw("circle", { cx: x, cy: y, r: size, class: kind })
    : sign === "square" ? draw("rect", { x: x - size, y: y - size, width: 2 * size, height: 2 * size, class: kind })
    : draw("rect", { x: x - 2, y: y - 9, width: 4, height: 18, class: kind });
  const seats = events.map(({ seat }) => seat).filter((seat) => seat !== null);
  const who = seats.length === 0 ? (events[0]?.says ?? "") : seats.length > 6 ? count(seats.length, "seat") : `seat ${seats.join(", ")}`;
  shape.append(draw("title", {}, `${who}, ${span(afterS)} after the first`));
  return shape;
}
