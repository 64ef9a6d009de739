/** Verdicts as shapes in a picture: told apart by shape and by colour, and drawn over the lines of a plot. */

import type uPlot from "uplot";
import { colour } from "./theme";

export type Mark = "accepted" | "rejected" | "invalid" | "unjudged" | "waiting";

export const SIGNS: Record<Mark, { sign: string; says: string; paint: string }> = {
  accepted: { sign: "●", says: "accepted", paint: "blue" },
  rejected: { sign: "✕", says: "rejected", paint: "red" },
  invalid: { sign: "◆", says: "rejected unread: no proper blob", paint: "violet" },
  unjudged: { sign: "○", says: "no verdict: the update was not to be had", paint: "grey" },
  waiting: { sign: "·", says: "the record is not here", paint: "faint" },
};

export interface Marked {
  x: number;
  /** null: it stands at the foot of the picture. */
  y: number | null;
  mark: Mark;
}

/** Draw marks where the scales put them. Large where there is room. */
export function drawMarks(plot: uPlot, marks: readonly Marked[], ratio: number): void {
  const { min, max } = plot.scales["x"]!;
  const shown = marks.filter(({ x }) => x >= (min ?? -Infinity) && x <= (max ?? Infinity));
  const size = (shown.length > 400 ? 2 : shown.length > 100 ? 3.5 : 5) * ratio;
  const pen = plot.ctx;
  const foot = plot.bbox.top + plot.bbox.height - size - 2 * ratio;
  const paints = Object.fromEntries(Object.entries(SIGNS).map(([mark, { paint }]) => [mark, colour(paint)])) as Record<Mark, string>;
  pen.save();
  pen.setLineDash([]);
  pen.lineWidth = Math.max(1.5 * ratio, size / 3);
  for (const { x, y, mark } of shown) {
    const [across, down] = [plot.valToPos(x, "x", true), y === null ? foot : plot.valToPos(y, "y", true)];
    pen.strokeStyle = pen.fillStyle = paints[mark];
    pen.beginPath();
    shape(pen, mark, across, down, size);
  }
  pen.restore();
}

function shape(pen: CanvasRenderingContext2D, mark: Mark, x: number, y: number, size: number): void {
  switch (mark) {
    case "accepted":
      pen.arc(x, y, size * 0.8, 0, 2 * Math.PI);
      pen.fill();
      break;
    case "rejected":
      pen.moveTo(x - size, y - size);
      pen.lineTo(x + size, y + size);
      pen.moveTo(x + size, y - size);
      pen.lineTo(x - size, y + size);
      pen.stroke();
      break;
    case "invalid":
      pen.moveTo(x, y - size * 1.2);
      pen.lineTo(x + size * 1.2, y);
      pen.lineTo(x, y + size * 1.2);
      pen.lineTo(x - size * 1.2, y);
      pen.closePath();
      pen.fill();
      break;
    case "unjudged":
      pen.arc(x, y, size * 0.8, 0, 2 * Math.PI);
      pen.stroke();
      break;
    case "waiting":
      pen.arc(x, y, size * 0.35, 0, 2 * Math.PI);
      pen.fill();
      break;
  }
}
