/** Lines over rounds: uPlot with zoom, a reading in words under the picture, keys, and the figures as a table. */

import uPlot from "uplot";
import { make, refill, say } from "./dom";
import { colour, lineStyle, whenThemeTurns } from "./theme";

export interface Line {
  label: string;
  values: readonly (number | null | undefined)[];
  /** Of the style sheet, e.g. `blue`; by default the next of eight. */
  colour?: string;
  dash?: number[];
  width?: number;
  /** Fill from this line down to the line before it. */
  isBand?: boolean;
  /** Left out of the reading and of the table. */
  isQuiet?: boolean;
  /** Draw it as steps: a count that holds for a whole round. */
  isStepped?: boolean;
  /** Draw no dots at its values: `drawOver` marks them. */
  hasNoPoints?: boolean;
}

/** Rows that have rounds of their own, as lines over all of these; where one has no point, its line goes on to the next. */
export function joinRounds(
  rows: readonly { label: string; rounds: readonly number[]; values: readonly (number | null)[] }[],
): { xs: number[]; lines: Line[] } {
  const xs = [...new Set(rows.flatMap(({ rounds }) => rounds))].sort((a, b) => a - b);
  const places = new Map(xs.map((round, index) => [round, index]));
  const lines = rows.map((row): Line => {
    const values: (number | null | undefined)[] = new Array<undefined>(xs.length).fill(undefined);
    row.rounds.forEach((round, index) => {
      values[places.get(round)!] = row.values[index] ?? null;
    });
    return { label: row.label, values };
  });
  return { xs, lines };
}

export interface PlotOptions {
  /** What it shows: read out, and said above the table. */
  label: string;
  xLabel: string;
  yLabel: string;
  /** Pixels. */
  height?: number;
  /** Of the y-axis; by default what the lines need. */
  range?: [number, number];
  /** A level line across. */
  floor?: { value: number; label: string };
  /** The y-axis is logarithmic: all values are above 0. */
  isLog?: boolean;
  /** Called when the lines are drawn, to draw over them. ratio: of the canvas's pixels to the page's. */
  drawOver?: (plot: uPlot, ratio: number) => void;
  /** Values in words, in the reading and in the table. */
  format?: (value: number) => string;
  /** Values at the y-axis in few letters. */
  formatY?: (value: number) => string;
  /** Values of the x-axis in words. */
  formatX?: (x: number) => string;
  /** Clicked, or Enter at the reading. */
  onPick?: (x: number) => void;
  /** Zoomed to these values of x; null: all of it is shown again. */
  onZoom?: (range: [number, number] | null) => void;
}

const TABLE_MOST = 500;
const LEGEND_MOST = 24;
/** Between two ticks under the picture: rounds are whole numbers. */
const WHOLE_STEPS = [1, 10, 100, 1_000, 10_000, 100_000].flatMap((step) => [step, 2 * step, 5 * step]);

export class Plot {
  readonly element: HTMLElement;
  readonly #options: PlotOptions;
  readonly #place = make("div", { class: "plot-place", tabindex: "0", role: "application", on: { keydown: (event) => this.#press(event) } });
  readonly #reading = make("p", { class: "reading", "aria-live": "polite" });
  readonly #key = make("p", { class: "key" });
  readonly #all = make("button", { type: "button", disabled: true, on: { click: () => this.showAll() } }, "All");
  readonly #table = make("tbody");
  readonly #head = make("tr");
  readonly #details: HTMLDetailsElement;
  #plot: uPlot | null = null;
  #xs: number[] = [];
  #lines: readonly Line[] = [];
  #shape = "";
  #bounds: [number, number] = [0, 1];
  #isDrag = false;
  /** What is zoomed to; null: all. uPlot takes a new scale in a moment later, so it is kept here. */
  #range: [number, number] | null = null;

  constructor(options: PlotOptions, signal: AbortSignal) {
    this.#options = options;
    this.#place.setAttribute("aria-label", `${options.label}. Arrow keys read it off, plus and minus zoom, 0 shows all.`);
    const zoom = (factor: number) => ({ click: () => this.#zoomBy(factor) });
    const bar = make(
      "div", { class: "bar plot-bar" },
      make("button", { type: "button", "aria-label": "Zoom in", title: "Zoom in", on: zoom(0.5) }, "+"),
      make("button", { type: "button", "aria-label": "Zoom out", title: "Zoom out", on: zoom(2) }, "−"),
      this.#all,
      make("span", { class: "faint hint" }, "Drag over the picture to zoom in, double-click for all."),
    );
    this.#details = make(
      "details", { on: { toggle: () => this.#fillTable() } },
      make("summary", {}, "The same as a table"),
      make("div", { class: "scroller tall", tabindex: "0", role: "region", "aria-label": `${options.label}, as a table` },
        make("table", {}, make("caption", { class: "unseen" }, options.label), make("thead", {}, this.#head), this.#table)),
    );
    this.element = make("figure", { class: "plot" }, this.#key, this.#place, this.#reading, bar, this.#details);
    const sizes = new ResizeObserver(() => this.#resize());
    sizes.observe(this.#place);
    whenThemeTurns(() => this.#make(), signal);
    signal.addEventListener("abort", () => {
      sizes.disconnect();
      this.#plot?.destroy();
      this.#plot = null;
    });
  }

  /** Show these lines over these values of x, which ascend. The zoom stays where the picture is the same.
   *  bounds: what `All` shows, where that is more than the values given. */
  update(xs: readonly number[], lines: readonly Line[], bounds?: [number, number]): void {
    this.#xs = [...xs];
    this.#lines = lines;
    this.#bounds = bounds ?? [xs[0] ?? 0, xs.at(-1) ?? 1];
    const shape = JSON.stringify(lines.map(({ values: _, ...rest }) => rest));
    if (this.#plot === null || shape !== this.#shape) {
      this.#shape = shape;
      this.#make();
    } else {
      this.#plot.batch(() => {
        this.#plot!.setData(this.#data(), false);
        this.#plot!.setScale("x", this.#shown());
      });
    }
    this.#fillTable();
  }

  /** Show all values of x. */
  showAll(): void {
    const { min, max } = this.#whole();
    this.#zoomTo(min, max);
  }

  #shown(): { min: number; max: number } {
    return this.#range === null ? this.#whole() : { min: this.#range[0], max: this.#range[1] };
  }

  #whole(): { min: number; max: number } {
    const [min, max] = this.#bounds;
    return min === max ? { min: min - 1, max: max + 1 } : { min, max };
  }

  #data(): uPlot.AlignedData {
    return [this.#xs, ...this.#lines.map((line) => line.values)] as uPlot.AlignedData;
  }

  #make(): void {
    this.#plot?.destroy();
    const width = this.#place.clientWidth;
    if (width === 0) {
      this.#plot = null;
      return;
    }
    const [faint, grid] = [colour("faint"), colour("line")];
    const axis = { stroke: faint, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif", labelSize: 18 };
    const { range, formatX, formatY } = this.#options;
    const bands: uPlot.Band[] = this.#lines.flatMap((line, index) =>
      line.isBand ? [{ series: [index + 1, index] as [number, number], fill: colour("band") }] : []);
    this.#plot = new uPlot({
      width, height: this.#options.height ?? 280,
      legend: { show: false },
      cursor: { drag: { x: true, y: false, setScale: true }, y: false, points: { show: this.#lines.length <= LEGEND_MOST } },
      focus: { alpha: 1 },
      scales: { x: { time: false, range: (_, min, max) => [min, max] }, y: range ? { range } : this.#options.isLog ? { distr: 3 } : {} },
      axes: [
        { ...axis, label: this.#options.xLabel, size: 34, ...(formatX ? { values: (_, ticks) => ticks.map(formatX) } : { incrs: WHOLE_STEPS, values: (_, ticks) => ticks.map(String) }) },
        { ...axis, label: this.#options.yLabel, size: 56, ...(formatY ? { values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : formatY(tick))) } : {}) },
      ],
      series: [{}, ...this.#lines.map((line, index) => this.#series(line, index))],
      bands,
      hooks: {
        setCursor: [(plot) => this.#read(plot.cursor.idx ?? null)],
        setSelect: [(plot) => { this.#isDrag = plot.select.width > 0; }],
        draw: [(plot) => this.#drawFloor(plot), (plot) => this.#options.drawOver?.(plot, uPlot.pxRatio)],
        setScale: [(plot, key) => this.#noteDrag(plot, key)],
      },
    }, this.#data(), this.#place);
    this.#plot.setScale("x", this.#shown());
    this.#plot.over.addEventListener("dblclick", () => this.showAll());
    this.#plot.over.addEventListener("click", () => this.#pick());
    this.#plot.root.setAttribute("aria-hidden", "true");
    this.#fillKey();
  }

  #series(line: Line, index: number): uPlot.Series {
    const style = lineStyle(index);
    const paths = line.isStepped ? uPlot.paths.stepped?.({ align: 1 }) : undefined;
    return {
      label: line.label, stroke: colour(line.colour ?? style.colour), width: line.width ?? 2,
      dash: line.dash ?? (line.colour === undefined ? style.dash : []), points: { show: this.#xs.length <= 60 && !line.isQuiet && !line.hasNoPoints, size: 5 },
      ...(paths ? { paths } : {}),
    };
  }

  #fillKey(): void {
    const shown = this.#lines.map((line, index) => ({ line, index })).filter(({ line }) => !line.isQuiet);
    if (shown.length > LEGEND_MOST) {
      refill(this.#key, `${shown.length} lines; the reading below names those at the pointer.`);
      return;
    }
    const ratio = devicePixelRatio || 1;
    refill(this.#key, ...shown.map(({ line, index }) => {
      const sample = make("canvas", { width: 28 * ratio, height: 10 * ratio, class: "sample", "aria-hidden": "true" });
      const pen = sample.getContext("2d")!;
      const style = lineStyle(index);
      pen.scale(ratio, ratio);
      pen.strokeStyle = colour(line.colour ?? style.colour);
      pen.lineWidth = Math.max(2, line.width ?? 2);
      pen.setLineDash(line.dash ?? (line.colour === undefined ? style.dash : []));
      pen.beginPath();
      pen.moveTo(0, 5);
      pen.lineTo(28, 5);
      pen.stroke();
      return make("span", {}, sample, " ", make("bdi", {}, line.label));
    }));
  }

  #drawFloor(plot: uPlot): void {
    const { floor } = this.#options;
    if (!floor) {
      return;
    }
    const pen = plot.ctx;
    const ratio = uPlot.pxRatio;
    const y = Math.round(plot.valToPos(floor.value, "y", true));
    pen.save();
    pen.strokeStyle = pen.fillStyle = colour("red");
    pen.lineWidth = ratio;
    pen.setLineDash([4 * ratio, 4 * ratio]);
    pen.beginPath();
    pen.moveTo(plot.bbox.left, y);
    pen.lineTo(plot.bbox.left + plot.bbox.width, y);
    pen.stroke();
    pen.font = `${12 * ratio}px system-ui, sans-serif`;
    pen.textAlign = "right";
    pen.fillText(floor.label, plot.bbox.left + plot.bbox.width - 4 * ratio, y - 4 * ratio);
    pen.restore();
  }

  #read(at: number | null): void {
    const x = at === null ? undefined : this.#xs[at];
    if (at === null || x === undefined) {
      say(this.#reading, "");
      return;
    }
    const format = this.#options.format ?? ((value: number) => String(value));
    const parts: string[] = [];
    let more = 0;
    for (const line of this.#lines) {
      const value = line.values[at];
      if (line.isQuiet || value === null || value === undefined) {
        continue;
      }
      if (parts.length < 10) {
        parts.push(`${line.label} ${format(value)}`);
      } else {
        more += 1;
      }
    }
    const where = this.#options.formatX ? this.#options.formatX(x) : `${this.#options.xLabel} ${x}`;
    say(this.#reading, `${where}: ${parts.join(", ") || "nothing"}${more > 0 ? ` and ${more} more` : ""}`);
  }

  #press(event: KeyboardEvent): void {
    const plot = this.#plot;
    if (plot === null || event.ctrlKey || event.metaKey || event.altKey || this.#xs.length === 0) {
      return;
    }
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
    const step = steps[event.key];
    if (step !== undefined) {
      this.#step(plot, step);
    } else if (event.key === "+" || event.key === "=") {
      this.#zoomBy(0.5);
    } else if (event.key === "-") {
      this.#zoomBy(2);
    } else if (event.key === "0") {
      this.showAll();
    } else if (event.key === "Enter" && this.#options.onPick) {
      this.#pick();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** Move the cursor among the values that are shown. */
  #step(plot: uPlot, step: number): void {
    const { min, max } = this.#shown();
    const first = this.#xs.findIndex((x) => x >= min);
    const last = this.#xs.findLastIndex((x) => x <= max);
    const from = plot.cursor.idx ?? (step > 0 ? first - 1 : last + 1);
    const at = Math.min(last, Math.max(first, from + step));
    const x = this.#xs[at];
    if (x !== undefined) {
      plot.setCursor({ left: plot.valToPos(x, "x"), top: plot.over.clientHeight / 2 });
      this.#read(at);
    }
  }

  #zoomBy(factor: number): void {
    const plot = this.#plot;
    if (plot === null) {
      return;
    }
    const { min, max } = this.#shown();
    const whole = this.#whole();
    const cursor = plot.cursor.idx;
    const middle = (cursor !== null && cursor !== undefined && factor < 1 ? this.#xs[cursor] : undefined) ?? (min + max) / 2;
    const width = Math.min(whole.max - whole.min, Math.max(1, (max - min) * factor));
    const left = Math.min(whole.max - width, Math.max(whole.min, middle - width / 2));
    this.#zoomTo(left, left + width);
  }

  /** The scale changed because a stretch was drawn over. */
  #noteDrag(plot: uPlot, key: string): void {
    if (key === "x" && this.#isDrag) {
      this.#isDrag = false;
      const { min, max } = plot.scales["x"]!;
      queueMicrotask(() => this.#zoomTo(min!, max!));
    }
  }

  #zoomTo(min: number, max: number): void {
    const whole = this.#whole();
    const isAll = min <= whole.min && max >= whole.max;
    this.#range = isAll ? null : [min, max];
    this.#all.disabled = isAll;
    this.#plot?.setScale("x", { min, max });
    this.#options.onZoom?.(this.#range);
    this.#fillTable();
  }

  #pick(): void {
    const at = this.#plot?.cursor.idx;
    const x = at === null || at === undefined ? undefined : this.#xs[at];
    if (x !== undefined && (this.#plot?.select.width ?? 0) === 0) {
      this.#options.onPick?.(x);
    }
  }

  #resize(): void {
    const width = this.#place.clientWidth;
    if (width === 0) {
      return;
    }
    if (this.#plot === null) {
      this.#make();
    } else if (this.#plot.width !== width) {
      this.#plot.setSize({ width, height: this.#plot.height });
    }
  }

  #fillTable(): void {
    if (!this.#details.open) {
      return;
    }
    const { min, max } = this.#shown();
    const format = this.#options.format ?? ((value: number) => String(value));
    const shown = this.#lines.filter((line) => !line.isQuiet);
    refill(this.#head, make("th", { scope: "col", class: "number plain" }, this.#options.xLabel), ...shown.map((line) => make("th", { scope: "col", class: "number plain" }, make("bdi", {}, line.label))));
    const rows = this.#xs.map((x, at) => ({ x, at })).filter(({ x }) => x >= min && x <= max).slice(-TABLE_MOST);
    refill(this.#table, ...rows.map(({ x, at }) => make("tr", {}, make("th", { scope: "row", class: "number" }, this.#options.formatX?.(x) ?? x),
      ...shown.map((line) => {
        const value = line.values[at];
        return make("td", { class: "number" }, value === null || value === undefined ? "–" : format(value));
      }))));
  }
}
