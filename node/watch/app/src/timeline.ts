/** A round as a picture: what happened when, a lane for each kind of event. */

import type { Happening } from "./api";
import { draw, make } from "./dom";
import { clock, count, span, when } from "./format";

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

interface Drawn {
  event: Happening;
  /** Unix seconds; a place between two times where only these are known. */
  atS: number;
}

/** Null where too little has a time to draw anything. */
export function drawTimeline(events: readonly Happening[]): HTMLElement | null {
  const drawn = placeInTime(events);
  if (drawn.length < 2) {
    return null;
  }
  const from = Math.min(...drawn.map(({ atS }) => atS));
  const to = Math.max(...drawn.map(({ atS }) => atS), from + 1);
  const kinds = [...new Set(drawn.map(({ event }) => event.kind))];
  const place = (atS: number): number => LEFT + ((atS - from) / Math.max(to - from, 1)) * (WIDTH - LEFT - RIGHT);
  const height = kinds.length * LANE + 30;
  const words = kinds.map((kind) => `${kind}: ${drawn.filter(({ event }) => event.kind === kind).length}`).join(", ");
  const picture = draw("svg", {
    class: "timeline", viewBox: `0 0 ${WIDTH} ${height}`, role: "img",
    "aria-label": `Events from ${clock(from)} to ${clock(to)}: ${words}`,
  });
  kinds.forEach((kind, lane) => {
    const y = lane * LANE + LANE / 2;
    const { colour, sign } = SIGNS[kind] ?? OTHER;
    picture.append(
      draw("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y, class: "lane" }),
      draw("text", { x: LEFT - 10, y: y + 4, "text-anchor": "end" }, kind),
    );
    for (const [atS, several] of groupByTime(drawn.filter(({ event }) => event.kind === kind))) {
      picture.append(mark(place(atS), y, sign, colour, several, atS - from));
    }
  });
  const foot = kinds.length * LANE + 18;
  picture.append(
    draw("text", { x: LEFT, y: foot, class: "faint" }, clock(from)),
    draw("text", { x: WIDTH - RIGHT, y: foot, class: "faint", "text-anchor": "end" }, `${clock(to)}, ${span(to - from)} later`),
  );
  const isGuessed = drawn.some(({ event }) => event.timeS === null);
  return make(
    "div", {},
    make("div", { class: "timeline-place", tabindex: "0", role: "region", "aria-label": "Events as a picture" }, picture),
    isGuessed ? make("p", { class: "faint" }, "Hollow marks stand in the order of their blocks, between the nearest times that are known: of these blocks the time is not to be had here.") : null,
  );
}

/** Events with a place in time: their own, or, spread by block, between the times around them. */
function placeInTime(events: readonly Happening[]): Drawn[] {
  const gaps = new Map<string, number[]>();
  for (const { block, timeS, betweenS } of events) {
    if (timeS === null && betweenS !== null && block !== null) {
      const gap = gaps.get(betweenS.join()) ?? [];
      gaps.set(betweenS.join(), gap.includes(block) ? gap : [...gap, block].sort((a, b) => a - b));
    }
  }
  return events.flatMap((event) => {
    const { block, timeS, betweenS } = event;
    if (timeS !== null) {
      return [{ event, atS: timeS }];
    }
    if (betweenS === null || block === null) {
      return [];
    }
    const gap = gaps.get(betweenS.join()) ?? [];
    const [before, after] = betweenS;
    return [{ event, atS: before + ((after - before) * (gap.indexOf(block) + 1)) / (gap.length + 1) }];
  });
}

function groupByTime(drawn: readonly Drawn[]): Map<number, Happening[]> {
  const groups = new Map<number, Happening[]>();
  for (const { atS, event } of drawn) {
    groups.set(atS, [...(groups.get(atS) ?? []), event]);
  }
  return groups;
}

function mark(x: number, y: number, sign: "dot" | "bar" | "square", colour: string, events: readonly Happening[], afterS: number): SVGElement {
  const isGuessed = events.some(({ timeS }) => timeS === null);
  const kind = `event ${colour}${isGuessed ? " hollow" : ""}`;
  const size = Math.min(10, 4 + Math.sqrt(events.length));
  const shape = sign === "dot" ? draw("circle", { cx: x, cy: y, r: size, class: kind })
    : sign === "square" ? draw("rect", { x: x - size, y: y - size, width: 2 * size, height: 2 * size, class: kind })
    : draw("rect", { x: x - 2, y: y - 9, width: 4, height: 18, class: kind });
  const seats = events.map(({ seat }) => seat).filter((seat) => seat !== null);
  const who = seats.length === 0 ? (events[0]?.says ?? "") : seats.length > 6 ? count(seats.length, "seat") : `seat ${seats.join(", ")}`;
  shape.append(draw("title", {}, isGuessed && events[0] ? `${who}, ${when(events[0])}` : `${who}, ${span(afterS)} after the first`));
  return shape;
}
