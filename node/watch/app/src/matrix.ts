/** Who accepted whom: one cell for each judge and author, up to 256 × 256, read by pointer or keys. */

import type { Round } from "./api";
import { make, say } from "./dom";
import { colour, whenThemeTurns } from "./theme";

export type Verdict = "accepted" | "rejected" | "unjudged";

/** Of a round: its seats in order, and its verdicts by judge * 65536 + author. */
export function readVerdicts({ roster, commits, judges }: Round): { seats: number[]; verdicts: Map<number, Verdict> } {
  const verdicts = new Map<number, Verdict>();
  for (const judge of judges) {
    for (const kind of ["accepted", "rejected", "unjudged"] as const) {
      for (const author of judge[kind]) {
        verdicts.set(judge.judge * 65536 + author, kind);
      }
    }
  }
  const seats = new Set([...roster, ...judges.map(({ judge }) => judge), ...commits.map(({ seat }) => seat)]);
  return { seats: [...seats].sort((a, b) => a - b), verdicts };
}

export interface MatrixOptions {
  label: string;
  /** A cell in words. Judges are rows, authors columns. */
  read: (judge: number, author: number, verdict: Verdict | null) => string;
  onPick?: (judge: number, author: number) => void;
}

const LARGEST = 30;
const SMALLEST = 4;
const EDGE = 34;

export class Matrix {
  readonly element: HTMLElement;
  readonly #options: MatrixOptions;
  readonly #canvas = make("canvas", { tabindex: "0", role: "application", class: "matrix" });
  readonly #reading = make("p", { class: "reading", "aria-live": "polite" });
  readonly #scroller: HTMLElement;
  #judges: readonly number[] = [];
  #authors: readonly number[] = [];
  #verdicts = new Map<number, Verdict>();
  #at: { row: number; column: number } | null = null;
  #side = LARGEST;
  #frame = 0;

  constructor(options: MatrixOptions, signal: AbortSignal) {
    this.#options = options;
    this.#canvas.setAttribute("aria-label", `${options.label}. Arrow keys go from cell to cell.`);
    this.#scroller = make("div", { class: "matrix-place" }, this.#canvas);
    this.element = make("figure", { class: "matrix-figure" }, this.#reading, this.#scroller);
    this.#canvas.addEventListener("pointermove", (event) => this.#point(event));
    this.#canvas.addEventListener("pointerleave", () => this.#move(null));
    this.#canvas.addEventListener("click", (event) => { this.#point(event); this.#pick(); });
    this.#canvas.addEventListener("keydown", (event) => this.#press(event));
    const sizes = new ResizeObserver(() => this.#layOut());
    sizes.observe(this.element);
    whenThemeTurns(() => this.#redraw(), signal);
    signal.addEventListener("abort", () => {
      sizes.disconnect();
      cancelAnimationFrame(this.#frame);
    });
  }

  /** verdicts: by judge * 65536 + author. */
  update(judges: readonly number[], authors: readonly number[], verdicts: Map<number, Verdict>): void {
    [this.#judges, this.#authors, this.#verdicts, this.#at] = [judges, authors, verdicts, null];
    say(this.#reading, "Point at a cell, or go there with the arrow keys.");
    this.#layOut();
  }

  #layOut(): void {
    const room = this.element.clientWidth - EDGE;
    if (room <= 0 || this.#authors.length === 0) {
      return;
    }
    this.#side = Math.max(SMALLEST, Math.min(LARGEST, Math.floor(room / this.#authors.length)));
    const ratio = devicePixelRatio || 1;
    const [width, height] = [EDGE + this.#side * this.#authors.length, EDGE + this.#side * this.#judges.length];
    this.#canvas.width = width * ratio;
    this.#canvas.height = height * ratio;
    this.#canvas.style.setProperty("width", `${width}px`);
    this.#canvas.style.setProperty("height", `${height}px`);
    this.#redraw();
  }

  #redraw(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    const pen = this.#canvas.getContext("2d")!;
    const [side, ratio] = [this.#side, devicePixelRatio || 1];
    // Small cells have no room for a sign: strong colours, and in rejected ones a bar.
    const isSmall = side < 8;
    const shades = isSmall
      ? { accepted: colour("blue"), rejected: colour("orange"), unjudged: colour("grey") }
      : { accepted: colour("accept"), rejected: colour("reject"), unjudged: colour("blank") };
    const paint = { ...shades, self: colour("line"), mark: colour("reject-ink"), ink: colour("ink"), faint: colour("faint"), focus: colour("focus") };
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    this.#judges.forEach((judge, row) => {
      this.#authors.forEach((author, column) => {
        const verdict = this.#verdicts.get(judge * 65536 + author);
        const [x, y] = [EDGE + column * side, EDGE + row * side];
        if (verdict === undefined) {
          if (judge === author) {
            pen.fillStyle = paint.self;
            pen.fillRect(x + side / 2 - 1, y + side / 2 - 1, 2, 2);
          }
          return;
        }
        pen.fillStyle = paint[verdict];
        if (verdict === "unjudged" && isSmall) {
          pen.fillRect(x + side / 2 - 1, y + side / 2 - 1, 2, 2);
          return;
        }
        pen.fillRect(x, y, side - 1, side - 1);
        if (!isSmall) {
          drawSign(pen, verdict, x, y, side - 1, verdict === "rejected" ? paint.mark : verdict === "accepted" ? colour("accept-ink") : paint.faint);
        } else if (verdict === "rejected") {
          pen.fillStyle = paint.ink;
          pen.fillRect(x + side / 2 - 1, y, 1, side - 1);
        }
      });
    });
    this.#drawEdges(pen, paint.faint, paint.ink);
    if (this.#at !== null) {
      pen.strokeStyle = paint.focus;
      pen.lineWidth = 2;
      const [x, y] = [EDGE + this.#at.column * side, EDGE + this.#at.row * side];
      pen.globalAlpha = 0.45;
      pen.strokeRect(EDGE, y - 0.5, side * this.#authors.length, side);
      pen.strokeRect(x - 0.5, EDGE, side, side * this.#judges.length);
      pen.globalAlpha = 1;
      pen.strokeRect(x - 1, y - 1, side + 1, side + 1);
    }
  }

  #drawEdges(pen: CanvasRenderingContext2D, faint: string, ink: string): void {
    const side = this.#side;
    const every = [1, 2, 4, 8, 16, 32].find((step) => step * side >= 20) ?? 32;
    pen.font = "11px system-ui, sans-serif";
    pen.textBaseline = "middle";
    this.#authors.forEach((author, column) => {
      const isHere = this.#at?.column === column;
      if (column % every === 0 || isHere) {
        pen.fillStyle = isHere ? ink : faint;
        pen.textAlign = "center";
        pen.fillText(String(author), EDGE + (column + 0.5) * side, EDGE - 9);
      }
    });
    this.#judges.forEach((judge, row) => {
      const isHere = this.#at?.row === row;
      if (row % every === 0 || isHere) {
        pen.fillStyle = isHere ? ink : faint;
        pen.textAlign = "right";
        pen.fillText(String(judge), EDGE - 6, EDGE + (row + 0.5) * side);
      }
    });
  }

  #point(event: PointerEvent | MouseEvent): void {
    const box = this.#canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left - EDGE) / this.#side);
    const row = Math.floor((event.clientY - box.top - EDGE) / this.#side);
    const isInside = row >= 0 && column >= 0 && row < this.#judges.length && column < this.#authors.length;
    this.#move(isInside ? { row, column } : null);
  }

  #press(event: KeyboardEvent): void {
    const steps: Record<string, [number, number]> = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const step = steps[event.key];
    if (event.key === "Enter" && this.#at !== null) {
      this.#pick();
    } else if (step !== undefined && this.#judges.length > 0) {
      const from = this.#at ?? { row: 0, column: 0 };
      const row = Math.min(this.#judges.length - 1, Math.max(0, from.row + (this.#at === null ? 0 : step[0])));
      const column = Math.min(this.#authors.length - 1, Math.max(0, from.column + (this.#at === null ? 0 : step[1])));
      this.#move({ row, column });
      const edge = EDGE + column * this.#side;
      this.#scroller.scrollLeft = Math.min(edge - EDGE, Math.max(this.#scroller.scrollLeft, edge + this.#side - this.#scroller.clientWidth));
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  #move(at: { row: number; column: number } | null): void {
    if (at?.row === this.#at?.row && at?.column === this.#at?.column) {
      return;
    }
    this.#at = at;
    if (at !== null) {
      const [judge, author] = [this.#judges[at.row]!, this.#authors[at.column]!];
      say(this.#reading, this.#options.read(judge, author, this.#verdicts.get(judge * 65536 + author) ?? null));
    }
    this.#redraw();
  }

  #pick(): void {
    if (this.#at !== null) {
      this.#options.onPick?.(this.#judges[this.#at.row]!, this.#authors[this.#at.column]!);
    }
  }
}

/** Accepted a tick, rejected a cross, unjudged a dot. */
function drawSign(pen: CanvasRenderingContext2D, verdict: Verdict, x: number, y: number, side: number, ink: string): void {
  const at = (across: number, down: number): [number, number] => [x + side * across, y + side * down];
  pen.strokeStyle = pen.fillStyle = ink;
  pen.lineWidth = side >= 16 ? 2 : 1;
  pen.beginPath();
  if (verdict === "rejected") {
    pen.moveTo(...at(0.3, 0.3));
    pen.lineTo(...at(0.7, 0.7));
    pen.moveTo(...at(0.7, 0.3));
    pen.lineTo(...at(0.3, 0.7));
    pen.stroke();
  } else if (verdict === "accepted") {
    pen.moveTo(...at(0.28, 0.52));
    pen.lineTo(...at(0.44, 0.7));
    pen.lineTo(...at(0.72, 0.32));
    pen.stroke();
  } else {
    pen.arc(...at(0.5, 0.5), Math.max(1, side * 0.08), 0, 2 * Math.PI);
    pen.fill();
  }
}
