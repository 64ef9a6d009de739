// src/api.ts
var Refusal = class extends Error {
  constructor(status, sentence2) {
    super(sentence2);
    this.status = status;
  }
  status;
};
var PATIENCE_MS = 3e4;
async function fetchJson(path, signal) {
  return JSON.parse(await fetchText(path, signal));
}
async function fetchText(path, signal) {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  let answer;
  try {
    answer = await fetch(path, { signal: signal ? AbortSignal.any([signal, patience]) : patience });
  } catch (error) {
    if (signal?.aborted) {
      throw error;
    }
    const why = patience.aborted ? "did not answer in 30 seconds" : "cannot be reached";
    throw new Refusal(0, `The page's server ${why}: is \`folkmoot watch\` still running?`);
  }
  if (!answer.ok) {
    throw new Refusal(answer.status, await readSentence(answer));
  }
  return answer.text();
}
async function readSentence(answer) {
  try {
    const told = await answer.json();
    if (typeof told === "object" && told !== null && "error" in told && typeof told.error === "string") {
      return told.error;
    }
  } catch {
  }
  return `The server answered with status ${answer.status}.`;
}

// src/dom.ts
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  setAll(element, attributes);
  element.append(...kept(children));
  return element;
}
var SVG = "http://www.w3.org/2000/svg";
function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  setAll(element, attributes);
  element.append(...kept(children));
  return element;
}
function setAll(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") {
      for (const [event, handler] of Object.entries(value)) {
        element.addEventListener(event, handler);
      }
    } else if (name === "style") {
      throw new Error("the page's policy forbids style attributes: use a class, or element.style.setProperty");
    } else if (value !== null && value !== void 0 && value !== false) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
}
function kept(children) {
  return children.filter((child) => child !== null && child !== void 0 && child !== false).map((child) => typeof child === "number" ? String(child) : child);
}
function refill(element, ...children) {
  const active = document.activeElement;
  const key = active && element.contains(active) ? active.getAttribute("data-key") : null;
  element.replaceChildren(...kept(children));
  if (key !== null) {
    for (const found of element.querySelectorAll("[data-key]")) {
      if (found.dataset["key"] === key) {
        found.focus({ preventScroll: true });
        break;
      }
    }
  }
}
function say(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

// src/format.ts
function count(number2, one, many = `${one}s`) {
  return `${number2.toLocaleString("en")} ${number2 === 1 ? one : many}`;
}
function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) {
    return `${whole} s`;
  }
  if (whole < 3600) {
    return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  }
  if (whole < 86400) {
    return `${Math.floor(whole / 3600)} h ${String(Math.floor(whole % 3600 / 60)).padStart(2, "0")} min`;
  }
  return `${Math.floor(whole / 86400)} d ${Math.floor(whole % 86400 / 3600)} h`;
}
var CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
var MOMENT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
function clock(atS) {
  return format(CLOCK, atS);
}
function moment(atS) {
  return format(MOMENT, atS);
}
var DATE_MAX_S = 864e10;
function format(as, atS) {
  if (atS === null || atS === void 0 || Number.isNaN(atS)) {
    return "–";
  }
  return Math.abs(atS) <= DATE_MAX_S ? as.format(atS * 1e3) : `second ${atS.toExponential(3)}`;
}
function when({ timeS, betweenS }, tell = clock) {
  return timeS === null && betweenS !== null ? `between ${tell(betweenS[0])} and ${tell(betweenS[1])}` : tell(timeS);
}
function whenOrder({ timeS, betweenS }) {
  return timeS ?? betweenS?.[0] ?? null;
}
function share(value) {
  return value === null || value === void 0 ? "–" : value.toFixed(3);
}
function shorten(text, head = 8, tail = 4) {
  return text.length <= head + tail + 1 ? text : `${text.slice(0, head)}…${text.slice(-tail)}`;
}
function list(numbers, none = "none", most = Infinity) {
  if (numbers.length === 0) {
    return none;
  }
  const sorted = [...numbers].sort((a, b) => a - b);
  const parts = [];
  for (let from = 0; from < sorted.length; ) {
    if (parts.length >= most) {
      return `${parts.join(", ")} and ${sorted.length - from} more`;
    }
    let to = from;
    while (to + 1 < sorted.length && sorted[to + 1] === sorted[to] + 1) {
      to += 1;
    }
    parts.push(to - from > 1 ? `${sorted[from]}–${sorted[to]}` : sorted.slice(from, to + 1).join(", "));
    from = to + 1;
  }
  return parts.join(", ");
}
function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
function sentence(text) {
  return text === "" ? "" : `${capital(text)}${/[.!?…]$/.test(text) ? "" : "."}`;
}

// src/context.ts
var KEPT = 40;
var FRESH_MS = 2e3;
var LATE_MS = 4e3;
var REFRESH_MS = 1e3;
var Store = class {
  constructor(circle, now2) {
    this.circle = circle;
    this.now = now2;
  }
  circle;
  now;
  /** Seat → the name that it chose. */
  names = /* @__PURE__ */ new Map();
  #answers = /* @__PURE__ */ new Map();
  #listeners = /* @__PURE__ */ new Set();
  /** Take a new state and tell whoever listens. */
  take(now2) {
    this.now = now2;
    for (const listener of [...this.#listeners]) {
      listener(now2);
    }
  }
  listen(listener, signal) {
    this.#listeners.add(listener);
    signal.addEventListener("abort", () => this.#listeners.delete(listener));
  }
  /** Fetch, or give what this revision already gave; what did not change is the same object as before. */
  async get(path, signal) {
    const { revision } = this.now;
    const kept2 = this.#answers.get(path);
    if (kept2?.revision === revision && performance.now() - kept2.atMs < FRESH_MS) {
      return kept2.value;
    }
    const text = await fetchText(path, signal);
    const value = kept2?.text === text ? kept2.value : JSON.parse(text);
    this.#answers.delete(path);
    this.#answers.set(path, { revision, atMs: performance.now(), text, value });
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= KEPT) {
        break;
      }
      this.#answers.delete(oldest);
    }
    return value;
  }
  /** Every seat; notes the names that they chose. */
  async seats(signal) {
    const seats2 = await this.get("/api/seats", signal);
    this.names.clear();
    for (const { seat, name, nameMarks } of seats2) {
      if (name) {
        this.names.set(seat, { name, nameMarks });
      }
    }
    return seats2;
  }
};
var Context = class {
  constructor(store, signal, announce) {
    this.store = store;
    this.signal = signal;
    this.announce = announce;
  }
  store;
  signal;
  announce;
  get circle() {
    return this.store.circle;
  }
  get now() {
    return this.store.now;
  }
  /** Fetch a JSON value; the same revision is asked for once. Raises Refusal. */
  get(path) {
    return this.store.get(path, this.signal);
  }
  /** Every seat. */
  seats() {
    return this.store.seats(this.signal);
  }
  /** Call with each new state while the view is shown, and not at once. */
  whenChanged(listener) {
    this.store.listen(listener, this.signal);
  }
  /** Run while the view is shown, every so many milliseconds. */
  every(milliseconds, tick2) {
    const timer = setInterval(tick2, milliseconds);
    this.signal.addEventListener("abort", () => clearInterval(timer));
  }
  /**
   * Fetch a value, draw it into a box under `root`, and draw again when the circle changed.
   *
   * load: asks `context.get`, once or several times. draw: is given the box, which it refills or changes, and the value.
   * While it is fetched, and where it fails, a sentence says so; what was drawn before stays. It is not drawn again where
   * `load` gives the same object.
   * Returns a function that fetches and draws at once, for when what is asked for changes.
   */
  follow(root, load, draw2, what) {
    const note = make("p", { class: "note", role: "status" }, `Loading ${what}…`);
    const box = make("div", { class: "followed" });
    root.append(note, box);
    let turn = 0;
    let lastMs = 0;
    let waiting;
    let late;
    let drawn;
    let { revision } = this.now;
    const refresh = async () => {
      const mine = ++turn;
      lastMs = performance.now();
      box.setAttribute("aria-busy", "true");
      try {
        const value = await load();
        if (mine === turn && !this.signal.aborted) {
          note.hidden = true;
          if (value !== drawn) {
            drawn = value;
            draw2(box, value);
          }
          box.removeAttribute("aria-busy");
        }
      } catch (error) {
        if (mine === turn && !this.signal.aborted) {
          box.removeAttribute("aria-busy");
          showFailure(note, error, box.hasChildNodes(), () => void refresh());
        }
      }
    };
    const refreshLate = () => {
      clearTimeout(late);
      late = setTimeout(() => void refresh(), LATE_MS);
    };
    this.whenChanged((now2) => {
      if (now2.revision !== revision) {
        revision = now2.revision;
        clearTimeout(waiting);
        waiting = setTimeout(() => void refresh(), Math.max(0, lastMs + REFRESH_MS - performance.now()));
        refreshLate();
      }
    });
    this.signal.addEventListener("abort", () => {
      clearTimeout(waiting);
      clearTimeout(late);
    });
    refreshLate();
    void refresh();
    return refresh;
  }
};
function showFailure(note, error, hasOlder, again) {
  const says = error instanceof Error ? error.message : String(error);
  note.hidden = false;
  note.className = "note bad";
  refill(
    note,
    sentence(says),
    hasOlder ? " What stands below is older. " : " ",
    make("button", { type: "button", "data-key": "again", on: { click: again } }, "Try again")
  );
  if (!(error instanceof Error) || error.name === "TypeError") {
    console.error(error);
  }
}

// src/live.ts
var RETRY_MS = 3e3;
var SILENCE_MS = 45e3;
function followLive(take, tell) {
  let source = null;
  let retry;
  let silence;
  const hangUp = () => {
    clearTimeout(retry);
    clearTimeout(silence);
    source?.close();
    source = null;
  };
  const isAlive = () => {
    tell("up");
    clearTimeout(silence);
    silence = setTimeout(ask, SILENCE_MS);
  };
  const ask = () => {
    void fetchJson("/api/now").then((now2) => {
      take(now2);
      isAlive();
    }, isLost);
  };
  const isLost = () => {
    hangUp();
    tell("down");
    retry = setTimeout(open, RETRY_MS);
  };
  const open = () => {
    hangUp();
    if (document.hidden) {
      return;
    }
    source = new EventSource("/api/live");
    source.addEventListener("open", isAlive);
    source.addEventListener("now", (event) => {
      isAlive();
      take(JSON.parse(event.data));
    });
    source.addEventListener("error", isLost);
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      hangUp();
    } else {
      open();
      ask();
    }
  });
  open();
}

// src/copy.ts
var SHOWN_MS = 1500;
function copyButton(text, what) {
  const button = make("button", {
    type: "button",
    class: "copy",
    "aria-label": `Copy ${what}`,
    title: `Copy ${what}`,
    "data-key": `copy ${text}`,
    on: {
      click: () => {
        void copy(text).then((isDone) => {
          say(button, isDone ? "copied" : "failed");
          setTimeout(() => say(button, "copy"), SHOWN_MS);
        });
      }
    }
  }, "copy");
  return button;
}
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
function named(text, what, shown) {
  return make("span", { class: "named" }, make("code", { title: text }, shown), copyButton(text, what));
}

// src/router.ts
function readAddress(hash) {
  const [way = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const parts = way.split("/").filter((part) => part !== "").map(decode);
  return { path: parts[0] ?? "", rest: parts.slice(1), query: new URLSearchParams(query) };
}
function address(path, rest = [], query = {}) {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null) {
      asked.set(name, String(value));
    }
  }
  const tail = asked.toString();
  return `#/${[path, ...rest].map((part) => encodeURIComponent(part)).join("/")}${tail ? `?${tail}` : ""}`;
}
function readNumber(part) {
  return part !== null && part !== void 0 && /^\d{1,9}$/.test(part) ? Number(part) : null;
}
function replaceAddress(hash) {
  history.replaceState(null, "", hash);
}
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

// src/measures.ts
var UNITS = ["B", "kB", "MB", "GB", "TB"];
var WEI = 1e18;
function bytes(size) {
  let [value, unit] = [size, 0];
  while (Math.abs(value) >= 1e3 && unit < UNITS.length - 1) {
    [value, unit] = [value / 1e3, unit + 1];
  }
  return `${unit === 0 ? Math.round(value) : digits(value)} ${UNITS[unit]}`;
}
function digits(value) {
  if (value === 0) {
    return "0";
  }
  const size = Math.abs(value);
  if (size >= 1e12 || size < 1e-4) {
    return value.toExponential(2);
  }
  return size >= 1e3 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(4)));
}
function gas(units) {
  return Math.round(units).toLocaleString("en");
}
function ether(wei) {
  return typeof wei === "string" && /^\d{1,40}$/.test(wei) ? Number(wei) / WEI : null;
}
function coin(eth) {
  return eth !== 0 && Math.abs(eth) < 1e-4 ? `${digits(eth * 1e9)} gwei` : `${digits(eth)} ETH`;
}
function inUnit(value, unit) {
  return unit === "B" ? bytes(value) : unit === "" ? digits(value) : unit === "gas" ? gas(value) : `${digits(value)} ${unit}`;
}
function short(value) {
  const size = Math.abs(value);
  const [unit, letter] = size >= 1e9 ? [1e9, "G"] : size >= 1e6 ? [1e6, "M"] : size >= 1e4 ? [1e3, "k"] : [1, ""];
  return `${digits(value / unit)}${letter}`;
}

// src/plot.ts
import uPlot from "./uplot.js";

// src/theme.ts
var DARK = matchMedia("(prefers-color-scheme: dark)");
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
function whenThemeTurns(turn, signal) {
  DARK.addEventListener("change", turn, { signal });
}
function lineStyle(index) {
  const colours = ["blue", "orange", "green", "violet", "sky", "red", "yellow", "ink"];
  const dashes = [[], [8, 4], [2, 3], [10, 3, 2, 3]];
  return { colour: colours[index % colours.length], dash: dashes[Math.floor(index / 2) % dashes.length] };
}

// src/plot.ts
function joinRounds(rows) {
  const xs = [...new Set(rows.flatMap(({ rounds: rounds2 }) => rounds2))].sort((a, b) => a - b);
  const places = new Map(xs.map((round, index) => [round, index]));
  const lines = rows.map((row) => {
    const values = new Array(xs.length).fill(void 0);
    row.rounds.forEach((round, index) => {
      values[places.get(round)] = row.values[index] ?? null;
    });
    return { label: row.label, values };
  });
  return { xs, lines };
}
var TABLE_MOST = 500;
var LEGEND_MOST = 24;
var WHOLE_STEPS = [1, 10, 100, 1e3, 1e4, 1e5].flatMap((step2) => [step2, 2 * step2, 5 * step2]);
var Plot = class {
  element;
  #options;
  #place = make("div", { class: "plot-place", tabindex: "0", role: "application", on: { keydown: (event) => this.#press(event) } });
  #reading = make("p", { class: "reading", "aria-live": "polite" });
  #key = make("p", { class: "key" });
  #all = make("button", { type: "button", disabled: true, on: { click: () => this.showAll() } }, "All");
  #table = make("tbody");
  #head = make("tr");
  #details;
  #plot = null;
  #xs = [];
  #lines = [];
  #shape = "";
  #bounds = [0, 1];
  #isDrag = false;
  /** What is zoomed to; null: all. uPlot takes a new scale in a moment later, so it is kept here. */
  #range = null;
  constructor(options, signal) {
    this.#options = options;
    this.#place.setAttribute("aria-label", `${options.label}. Arrow keys read it off, plus and minus zoom, 0 shows all.`);
    const zoom = (factor) => ({ click: () => this.#zoomBy(factor) });
    const bar = make(
      "div",
      { class: "bar plot-bar" },
      make("button", { type: "button", "aria-label": "Zoom in", title: "Zoom in", on: zoom(0.5) }, "+"),
      make("button", { type: "button", "aria-label": "Zoom out", title: "Zoom out", on: zoom(2) }, "−"),
      this.#all,
      make("span", { class: "faint hint" }, "Drag over the picture to zoom in, double-click for all.")
    );
    this.#details = make(
      "details",
      { on: { toggle: () => this.#fillTable() } },
      make("summary", {}, "The same as a table"),
      make(
        "div",
        { class: "scroller tall", tabindex: "0", role: "region", "aria-label": `${options.label}, as a table` },
        make("table", {}, make("caption", { class: "unseen" }, options.label), make("thead", {}, this.#head), this.#table)
      )
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
  update(xs, lines, bounds) {
    this.#xs = [...xs];
    this.#lines = lines;
    this.#bounds = bounds ?? [xs[0] ?? 0, xs.at(-1) ?? 1];
    const shape2 = JSON.stringify(lines.map(({ values: _, ...rest }) => rest));
    if (this.#plot === null || shape2 !== this.#shape) {
      this.#shape = shape2;
      this.#make();
    } else {
      this.#plot.batch(() => {
        this.#plot.setData(this.#data(), false);
        this.#plot.setScale("x", this.#shown());
      });
    }
    this.#fillTable();
  }
  /** Show all values of x. */
  showAll() {
    const { min, max } = this.#whole();
    this.#zoomTo(min, max);
  }
  #shown() {
    return this.#range === null ? this.#whole() : { min: this.#range[0], max: this.#range[1] };
  }
  #whole() {
    const [min, max] = this.#bounds;
    return min === max ? { min: min - 1, max: max + 1 } : { min, max };
  }
  #data() {
    return [this.#xs, ...this.#lines.map((line) => line.values)];
  }
  #make() {
    this.#plot?.destroy();
    const width = this.#place.clientWidth;
    if (width === 0) {
      this.#plot = null;
      return;
    }
    const [faint, grid] = [colour("faint"), colour("line")];
    const axis = { stroke: faint, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif", labelSize: 18 };
    const { range, formatX, formatY } = this.#options;
    const bands = this.#lines.flatMap((line, index) => line.isBand ? [{ series: [index + 1, index], fill: colour("band") }] : []);
    this.#plot = new uPlot({
      width,
      height: this.#options.height ?? 280,
      legend: { show: false },
      cursor: { drag: { x: true, y: false, setScale: true }, y: false, points: { show: this.#lines.length <= LEGEND_MOST } },
      focus: { alpha: 1 },
      scales: { x: { time: false, range: (_, min, max) => [min, max] }, y: range ? { range } : this.#options.isLog ? { distr: 3 } : {} },
      axes: [
        { ...axis, label: this.#options.xLabel, size: 34, ...formatX ? { values: (_, ticks) => ticks.map(formatX) } : { incrs: WHOLE_STEPS, values: (_, ticks) => ticks.map(String) } },
        { ...axis, label: this.#options.yLabel, size: 56, ...formatY ? { values: (_, ticks) => ticks.map((tick2) => tick2 === null ? "" : formatY(tick2)) } : {} }
      ],
      series: [{}, ...this.#lines.map((line, index) => this.#series(line, index))],
      bands,
      hooks: {
        setCursor: [(plot) => this.#read(plot.cursor.idx ?? null)],
        setSelect: [(plot) => {
          this.#isDrag = plot.select.width > 0;
        }],
        draw: [(plot) => this.#drawFloor(plot), (plot) => this.#options.drawOver?.(plot, uPlot.pxRatio)],
        setScale: [(plot, key) => this.#noteDrag(plot, key)]
      }
    }, this.#data(), this.#place);
    this.#plot.setScale("x", this.#shown());
    this.#plot.over.addEventListener("dblclick", () => this.showAll());
    this.#plot.over.addEventListener("click", () => this.#pick());
    this.#plot.root.setAttribute("aria-hidden", "true");
    this.#fillKey();
  }
  #series(line, index) {
    const style = lineStyle(index);
    const paths = line.isStepped ? uPlot.paths.stepped?.({ align: 1 }) : void 0;
    return {
      label: line.label,
      stroke: colour(line.colour ?? style.colour),
      width: line.width ?? 2,
      dash: line.dash ?? (line.colour === void 0 ? style.dash : []),
      points: { show: this.#xs.length <= 60 && !line.isQuiet && !line.hasNoPoints, size: 5 },
      ...paths ? { paths } : {}
    };
  }
  #fillKey() {
    const shown = this.#lines.map((line, index) => ({ line, index })).filter(({ line }) => !line.isQuiet);
    if (shown.length > LEGEND_MOST) {
      refill(this.#key, `${shown.length} lines; the reading below names those at the pointer.`);
      return;
    }
    const ratio = devicePixelRatio || 1;
    refill(this.#key, ...shown.map(({ line, index }) => {
      const sample = make("canvas", { width: 28 * ratio, height: 10 * ratio, class: "sample", "aria-hidden": "true" });
      const pen = sample.getContext("2d");
      const style = lineStyle(index);
      pen.scale(ratio, ratio);
      pen.strokeStyle = colour(line.colour ?? style.colour);
      pen.lineWidth = Math.max(2, line.width ?? 2);
      pen.setLineDash(line.dash ?? (line.colour === void 0 ? style.dash : []));
      pen.beginPath();
      pen.moveTo(0, 5);
      pen.lineTo(28, 5);
      pen.stroke();
      return make("span", {}, sample, " ", make("bdi", {}, line.label));
    }));
  }
  #drawFloor(plot) {
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
  #read(at) {
    const x = at === null ? void 0 : this.#xs[at];
    if (at === null || x === void 0) {
      say(this.#reading, "");
      return;
    }
    const format2 = this.#options.format ?? ((value) => String(value));
    const parts = [];
    let more = 0;
    for (const line of this.#lines) {
      const value = line.values[at];
      if (line.isQuiet || value === null || value === void 0) {
        continue;
      }
      if (parts.length < 10) {
        parts.push(`${line.label} ${format2(value)}`);
      } else {
        more += 1;
      }
    }
    const where = this.#options.formatX ? this.#options.formatX(x) : `${this.#options.xLabel} ${x}`;
    say(this.#reading, `${where}: ${parts.join(", ") || "nothing"}${more > 0 ? ` and ${more} more` : ""}`);
  }
  #press(event) {
    const plot = this.#plot;
    if (plot === null || event.ctrlKey || event.metaKey || event.altKey || this.#xs.length === 0) {
      return;
    }
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
    const step2 = steps[event.key];
    if (step2 !== void 0) {
      this.#step(plot, step2);
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
  #step(plot, step2) {
    const { min, max } = this.#shown();
    const first = this.#xs.findIndex((x2) => x2 >= min);
    const last = this.#xs.findLastIndex((x2) => x2 <= max);
    const from = plot.cursor.idx ?? (step2 > 0 ? first - 1 : last + 1);
    const at = Math.min(last, Math.max(first, from + step2));
    const x = this.#xs[at];
    if (x !== void 0) {
      plot.setCursor({ left: plot.valToPos(x, "x"), top: plot.over.clientHeight / 2 });
      this.#read(at);
    }
  }
  #zoomBy(factor) {
    const plot = this.#plot;
    if (plot === null) {
      return;
    }
    const { min, max } = this.#shown();
    const whole = this.#whole();
    const cursor = plot.cursor.idx;
    const middle = (cursor !== null && cursor !== void 0 && factor < 1 ? this.#xs[cursor] : void 0) ?? (min + max) / 2;
    const width = Math.min(whole.max - whole.min, Math.max(1, (max - min) * factor));
    const left = Math.min(whole.max - width, Math.max(whole.min, middle - width / 2));
    this.#zoomTo(left, left + width);
  }
  /** The scale changed because a stretch was drawn over. */
  #noteDrag(plot, key) {
    if (key === "x" && this.#isDrag) {
      this.#isDrag = false;
      const { min, max } = plot.scales["x"];
      queueMicrotask(() => this.#zoomTo(min, max));
    }
  }
  #zoomTo(min, max) {
    const whole = this.#whole();
    const isAll = min <= whole.min && max >= whole.max;
    this.#range = isAll ? null : [min, max];
    this.#all.disabled = isAll;
    this.#plot?.setScale("x", { min, max });
    this.#options.onZoom?.(this.#range);
    this.#fillTable();
  }
  #pick() {
    const at = this.#plot?.cursor.idx;
    const x = at === null || at === void 0 ? void 0 : this.#xs[at];
    if (x !== void 0 && (this.#plot?.select.width ?? 0) === 0) {
      this.#options.onPick?.(x);
    }
  }
  #resize() {
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
  #fillTable() {
    if (!this.#details.open) {
      return;
    }
    const { min, max } = this.#shown();
    const format2 = this.#options.format ?? ((value) => String(value));
    const shown = this.#lines.filter((line) => !line.isQuiet);
    refill(this.#head, make("th", { scope: "col", class: "number plain" }, this.#options.xLabel), ...shown.map((line) => make("th", { scope: "col", class: "number plain" }, make("bdi", {}, line.label))));
    const rows = this.#xs.map((x, at) => ({ x, at })).filter(({ x }) => x >= min && x <= max).slice(-TABLE_MOST);
    refill(this.#table, ...rows.map(({ x, at }) => make(
      "tr",
      {},
      make("th", { scope: "row", class: "number" }, this.#options.formatX?.(x) ?? x),
      ...shown.map((line) => {
        const value = line.values[at];
        return make("td", { class: "number" }, value === null || value === void 0 ? "–" : format2(value));
      })
    )));
  }
};

// src/polling.ts
var AGAIN_MS = 800;
function askAgainWhilePending(context, refresh) {
  let timer;
  context.signal.addEventListener("abort", () => clearTimeout(timer));
  return (pending) => {
    clearTimeout(timer);
    if (pending > 0 && !context.signal.aborted) {
      timer = setTimeout(() => void refresh(), AGAIN_MS);
    }
  };
}

// src/seat.ts
var SELF_CHOSEN = "A name that the seat chose for itself; nobody checked it";
function seatLink(store, seat) {
  return make("span", { class: "seat" }, make("a", { href: address("seats", [seat]) }, seat), chosenName(store.names.get(seat)));
}
function chosenName(chosen2) {
  if (!chosen2?.name) {
    return null;
  }
  const marks = chosen2.nameMarks.length > 0 ? make("span", { class: "marked" }, ` (${chosen2.nameMarks.join("; ")})`) : null;
  return make("span", { class: "chosen", title: SELF_CHOSEN }, " “", make("bdi", {}, chosen2.name), "”", marks);
}
function seatText(store, seat) {
  const name = store.names.get(seat)?.name;
  return name ? `seat ${seat} “${name}”` : `seat ${seat}`;
}
function seatLinks(store, seats2, none = "none") {
  const row = make("span", { class: "seats" });
  if (seats2.length === 0) {
    row.append(none);
  }
  seats2.forEach((seat, index) => {
    row.append(index > 0 ? ", " : "", seatLink(store, seat));
  });
  return row;
}

// src/table.ts
var STEP = 200;
var Table = class {
  element = make("div", { class: "table" });
  #columns;
  #options;
  #head = make("tr");
  #body = make("tbody");
  #count = make("p", { class: "faint", role: "status" });
  #more = make("button", { type: "button", on: { click: () => this.#showMore() } });
  #filter = make("input", { type: "search", maxlength: 100, on: { input: () => this.#fill() } });
  #rows = [];
  #sortBy;
  #isFalling;
  #limit;
  constructor(columns, options) {
    this.#columns = columns;
    this.#options = options;
    this.#limit = options.first ?? STEP;
    this.#sortBy = columns.find((column) => column.title === options.sortBy) ?? null;
    this.#isFalling = this.#sortBy?.isNumber === true;
    const scroller = make(
      "div",
      { class: "scroller", tabindex: "0", role: "region", "aria-label": options.caption },
      make("table", {}, make("caption", { class: "unseen" }, options.caption), make("thead", {}, this.#head), this.#body)
    );
    if (options.canFilter) {
      this.element.append(make("label", { class: "filter" }, "Only rows with ", this.#filter));
    }
    this.element.append(scroller, this.#count, this.#more);
    this.#fillHead();
  }
  /** Show these rows; sorting, filter and how many are shown stay. */
  update(rows) {
    this.#rows = rows;
    this.#fill();
  }
  #fillHead() {
    refill(this.#head, ...this.#columns.map((column) => {
      const isSorted = column === this.#sortBy;
      const arrow = isSorted ? this.#isFalling ? " ▼" : " ▲" : "";
      return make(
        "th",
        { scope: "col", class: column.isNumber ? "number" : null, "aria-sort": isSorted ? this.#isFalling ? "descending" : "ascending" : null },
        make(
          "button",
          { type: "button", class: "sort", title: column.hint, "data-key": `sort ${column.title}`, on: { click: () => this.#sort(column) } },
          column.title,
          make("span", { "aria-hidden": "true" }, arrow)
        )
      );
    }));
  }
  #sort(column) {
    this.#isFalling = column === this.#sortBy ? !this.#isFalling : column.isNumber === true;
    this.#sortBy = column;
    this.#fillHead();
    this.#fill();
  }
  #showMore() {
    this.#limit += STEP;
    this.#fill();
  }
  #fill() {
    const asked = this.#filter.value.trim().toLowerCase();
    const found = asked === "" ? [...this.#rows] : this.#rows.filter((row) => this.#text(row).includes(asked));
    const by = this.#sortBy;
    if (by !== null) {
      const sign = this.#isFalling ? -1 : 1;
      found.sort((a, b) => sign * compare(by.value(a), by.value(b)));
    }
    refill(this.#body, ...found.slice(0, this.#limit).map((row) => this.#row(row)));
    say(this.#count, this.#describe(found.length));
    this.#more.hidden = found.length <= this.#limit;
    say(this.#more, `Show the next ${Math.min(STEP, found.length - this.#limit)}`);
  }
  #describe(found) {
    const all = this.#rows.length;
    if (all === 0) {
      return this.#options.empty;
    }
    const shown = Math.min(found, this.#limit);
    const of = found === all ? count(all, this.#options.noun) : `${found} of ${count(all, this.#options.noun)}`;
    return shown < found ? `${of}; the first ${shown} are shown` : of;
  }
  #text(row) {
    return this.#columns.map((column) => {
      const cell = column.cell?.(row);
      return cell instanceof Node ? cell.textContent : cell ?? column.value(row) ?? "";
    }).join(" ").toLowerCase();
  }
  #row(row) {
    const key = this.#options.key(row);
    const cells = this.#columns.map((column, index) => {
      const shown = column.cell ? column.cell(row) : column.value(row) ?? "–";
      const kind = column.isNumber ? "number" : null;
      return index === 0 ? make("th", { scope: "row", class: kind }, shown) : make("td", { class: kind }, shown);
    });
    const line = make("tr", { "data-row": key }, ...cells);
    line.querySelectorAll("a").forEach((link, index) => {
      link.setAttribute("data-key", `${key} ${index}`);
    });
    return line;
  }
};
function compare(a, b) {
  if (a === null || b === null) {
    return a === b ? 0 : a === null ? -1 : 1;
  }
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
}

// src/views/costs.ts
var KINDS = { round: "Gas of a round, by call", call: "Gas of one call", coin: "Coin of a round" };
var costs = {
  title: "Costs",
  path: "costs",
  async show(root, context, { query }) {
    const { store } = context;
    let range = [readNumber(query.get("from")), readNumber(query.get("to"))];
    let kind = null;
    let value = null;
    let plot = null;
    let plotEnds = new AbortController();
    const [first, last] = ["from", "to"].map((name) => make("input", { type: "number", min: 0, id: `costs-${name}`, inputmode: "numeric" }));
    const ask = (asked) => {
      range = asked;
      replaceAddress(address("costs", [], { from: range[0], to: range[1] }));
      void refresh();
    };
    const form = make(
      "form",
      { class: "bar", on: { submit: (event) => {
        event.preventDefault();
        ask([readNumber(first.value), readNumber(last.value)]);
      } } },
      make("label", { for: "costs-from" }, "Rounds from"),
      first,
      make("label", { for: "costs-to" }, "to"),
      last,
      make("button", {}, "Show"),
      make("button", { type: "button", on: { click: () => {
        first.value = last.value = "";
        ask([null, null]);
      } } }, "The newest")
    );
    const waits2 = make("p", { class: "faint", role: "status" });
    const trouble = make("p", { class: "note bad", role: "status" });
    const tiles = make("dl", { class: "tiles" });
    const place2 = make("div");
    const select = make("select", { id: "costs-kind", on: { change: () => {
      kind = select.value;
      drawPlot();
    } } }, ...Object.entries(KINDS).map(([name, says2]) => make("option", { value: name }, says2)));
    const bar = make("p", { class: "bar" }, make("label", { for: "costs-kind" }, "Show"), select);
    const says = make("p", { class: "note" });
    const calls = new Table([
      { title: "Call", value: (row) => row.name, cell: (row) => make("code", {}, row.name) },
      { title: "Times", value: (row) => row.times, cell: (row) => row.times.toLocaleString("en"), isNumber: true },
      { title: "Gas each", value: (row) => row.gas / row.times, cell: (row) => gas(row.gas / row.times), isNumber: true },
      { title: "Gas in all", value: (row) => row.gas, cell: (row) => gas(row.gas), isNumber: true }
    ], { caption: "Gas by kind of call", key: (row) => row.name, noun: "call kind", empty: "Of no call is it known yet what it cost.", sortBy: "Gas in all" });
    const seats2 = new Table([
      { title: "Seat", value: (row) => row.seat, cell: (row) => row.seat === null ? "no seat, or not told" : seatLink(store, row.seat) },
      { title: "Transactions", value: (row) => row.transactions ?? null, isNumber: true },
      { title: "Gas", value: (row) => row.gas ?? null, cell: (row) => row.gas === void 0 ? "–" : gas(row.gas), isNumber: true },
      { title: "Coin", value: (row) => ether(row.coinWei), cell: (row) => coinCell(row.coinWei), isNumber: true },
      { title: "Sent a round", value: (row) => mean(row.bytesSent?.sum, row.bytesSent?.rounds), cell: (row) => bytesCell(row.bytesSent?.sum, row.bytesSent?.rounds), isNumber: true, hint: "Its node's own word, of folders on this machine" },
      { title: "An update", value: (row) => mean(row.updateBytes?.sum, row.updateBytes?.updates), cell: (row) => bytesCell(row.updateBytes?.sum, row.updateBytes?.updates), isNumber: true, hint: "Mean size, where the blob is here" }
    ], { caption: "What each seat paid and sent", key: (row) => row.seat ?? "none", noun: "payer", empty: "Nobody has paid anything that is known yet.", sortBy: "Gas" });
    const drawPlot = () => {
      if (value === null) {
        return;
      }
      kind ??= makeLines(value, "round").length > 0 ? "round" : "call";
      select.value = kind;
      plotEnds.abort();
      plotEnds = new AbortController();
      plot = new Plot({
        label: KINDS[kind],
        xLabel: "round",
        yLabel: kind === "coin" ? "ETH" : "gas",
        height: 300,
        format: kind === "coin" ? coin : gas,
        formatY: short,
        onPick: (round) => {
          location.hash = address("rounds", [round]);
        }
      }, AbortSignal.any([context.signal, plotEnds.signal]));
      refill(place2, plot.element);
      updatePlot();
    };
    const updatePlot = () => {
      if (value !== null && plot !== null && kind !== null) {
        const lines = makeLines(value, kind);
        place2.hidden = lines.length === 0;
        plot.update(value.rounds.filter((round) => round > 0), lines);
      }
    };
    root.append(form);
    await context.seats();
    const refresh = context.follow(root, () => fetchJson(pathOf(range), context.signal), (box, found) => {
      value = found;
      if (!tiles.isConnected) {
        refill(box, waits2, trouble, tiles, bar, place2, says, make("h2", {}, "By kind of call"), calls.element, make("h2", {}, "By seat"), seats2.element);
      }
      if (found.rounds.length > 0 && document.activeElement !== first && document.activeElement !== last) {
        [first.value, last.value] = [String(found.rounds[0]), String(found.rounds.at(-1))];
      }
      say(waits2, found.pending > 0 ? `Asking the endpoint for receipts: ${count(found.pending, "more", "more")}.` : "");
      waits2.hidden = found.pending === 0;
      say(trouble, found.trouble ?? "");
      trouble.hidden = found.trouble === null;
      refill(tiles, ...makeTiles(found));
      say(says, describe(found));
      calls.update(Object.entries(found.calls).map(([name, columns]) => ({ name, times: sum(columns.count), gas: sum(columns.gas) })));
      seats2.update(found.seats);
      if (plot === null && (found.pending === 0 || makeLines(found, "round").length > 0)) {
        drawPlot();
      } else {
        updatePlot();
      }
      pending(found.pending);
    }, "what rounds cost");
    const pending = askAgainWhilePending(context, refresh);
    return (changed) => {
      range = [readNumber(changed.query.get("from")), readNumber(changed.query.get("to"))];
      void refresh();
      return true;
    };
  }
};
function pathOf([from, to]) {
  const asked = new URLSearchParams();
  if (from !== null) {
    asked.set("from", String(from));
  }
  if (to !== null) {
    asked.set("to", String(to));
  }
  const query = asked.toString();
  return query === "" ? "/api/costs" : `/api/costs?${query}`;
}
function isWhole(value, place2) {
  return value.known[place2] === value.transactions[place2] && value.transactions[place2] > 0;
}
function makeLines(value, kind) {
  const places = value.rounds.map((round, place2) => ({ round, place: place2 })).filter(({ round }) => round > 0).map(({ place: place2 }) => place2);
  if (kind === "coin") {
    const values = places.map((place2) => isWhole(value, place2) ? ether(value.coinWei[place2]) : null);
    return values.some((one) => one !== null) ? [{ label: "coin", values, colour: "blue" }] : [];
  }
  const names = Object.keys(value.calls).filter((name) => places.some((place2) => value.calls[name].count[place2] > 0));
  const lines = names.map((name) => {
    const { gas: spent, count: times2 } = value.calls[name];
    const values = places.map((place2) => kind === "call" ? times2[place2] > 0 ? spent[place2] / times2[place2] : void 0 : isWhole(value, place2) ? spent[place2] : null);
    return { label: name, values };
  });
  return lines.some(({ values }) => values.some((one) => typeof one === "number")) ? lines : [];
}
function makeTiles(value) {
  const whole = value.rounds.map((round, place2) => ({ round, place: place2 })).filter(({ round, place: place2 }) => round > 0 && isWhole(value, place2)).map(({ place: place2 }) => place2);
  const spent = whole.map((place2) => sum(Object.values(value.calls).map(({ gas: column }) => column[place2])));
  const coins = whole.map((place2) => ether(value.coinWei[place2])).filter((one) => one !== null);
  const facts2 = [
    ["Gas of a round, mean", spent.length > 0 ? gas(sum(spent) / spent.length) : "–"],
    ["Coin of a round, mean", coins.length > 0 ? coin(sum(coins) / coins.length) : "–"],
    ["Coin in all", coins.length > 0 ? coin(sum(value.coinWei.map((wei) => ether(wei) ?? 0))) : "–"],
    ["Receipts", `${sum(value.known).toLocaleString("en")} of ${sum(value.transactions).toLocaleString("en")}`]
  ];
  return facts2.map(([name, says]) => make("div", {}, make("dt", {}, name), make("dd", {}, says)));
}
function describe(value) {
  const partly = value.rounds.filter((round, place2) => round > 0 && !isWhole(value, place2));
  const left = value.leftOut > 0 ? ` ${count(value.leftOut, "older round")} of those asked for left out, as there are too many transactions: ask for them by themselves.` : "";
  const lacks = partly.length > 0 && value.pending === 0 ? ` Of ${partly.length === 1 ? "round" : "rounds"} ${list(partly, "", 12)} not all receipts are known, so no sum is drawn.` : "";
  return `${value.says}${lacks}${left}`;
}
function coinCell(wei) {
  const eth = ether(wei);
  return eth === null ? "–" : coin(eth);
}
function mean(total, number2) {
  return total === void 0 || !number2 ? null : total / number2;
}
function bytesCell(total, number2) {
  const size = mean(total, number2);
  return size === null ? "–" : bytes(size);
}
function sum(numbers) {
  return numbers.reduce((a, b) => a + b, 0);
}

// src/evidence.ts
var QUICK_MS = 1500;
var SLOW_MS = 15e3;
var Asked = class {
  /** what: said while it is loaded first. isMoving: ask again soon. draw: called with each answer. */
  constructor(context, root, what, path, isMoving, draw2) {
    this.context = context;
    this.what = what;
    this.path = path;
    this.isMoving = isMoving;
    this.draw = draw2;
    root.append(this.#note);
    say(this.#note, `Loading ${what}…`);
    context.whenChanged(() => this.#later(QUICK_MS));
    context.signal.addEventListener("abort", () => clearTimeout(this.#timer));
    void this.ask();
  }
  context;
  what;
  path;
  isMoving;
  draw;
  #note = make("p", { class: "note", role: "status" });
  #timer;
  #turn = 0;
  /** Ask now. */
  async ask(path = this.path()) {
    const mine = ++this.#turn;
    clearTimeout(this.#timer);
    try {
      const value = await fetchJson(path, this.context.signal);
      if (mine !== this.#turn || this.context.signal.aborted) {
        return;
      }
      this.#note.hidden = true;
      this.draw(value);
      this.#later(this.isMoving(value) ? QUICK_MS : SLOW_MS);
    } catch (error) {
      if (mine !== this.#turn || this.context.signal.aborted) {
        return;
      }
      showFailure(this.#note, error, false, () => void this.ask());
      this.#later(SLOW_MS);
    }
  }
  #later(waitMs) {
    clearTimeout(this.#timer);
    if (!this.context.signal.aborted) {
      this.#timer = setTimeout(() => void this.ask(), waitMs);
    }
  }
};
var Folds = class {
  #open = /* @__PURE__ */ new Set();
  /** fill: called when it is opened for the first time. */
  make(key, summary, fill) {
    const body = make("div", { class: "folded" });
    const element = make("details", { open: this.#open.has(key) }, make("summary", { "data-key": `fold ${key}` }, ...summary), body);
    let isFilled = false;
    const show = () => {
      if (element.open && !isFilled) {
        isFilled = true;
        fill(body);
      }
    };
    element.addEventListener("toggle", () => {
      if (element.open) {
        this.#open.add(key);
      } else {
        this.#open.delete(key);
      }
      show();
    });
    show();
    return element;
  }
};
function facts(...rows) {
  const told = rows.filter(([, value]) => value !== null && value !== void 0 && value !== "" && value !== false);
  return make("dl", { class: "facts" }, ...told.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}
function listSteps(steps, kind, says) {
  return make("ol", { class: "steps" }, ...steps.map((step2) => make(
    "li",
    { class: kind(step2) },
    make("span", { class: "when" }, when(step2, moment)),
    make("span", {}, says(step2), " ", place({ ...step2, timeS: null, betweenS: null }))
  )));
}
function place({ block, tx, ...time }) {
  return make(
    "span",
    { class: "place faint" },
    block === null ? "not found on chain" : `block ${block}`,
    tx === null ? null : ", transaction ",
    tx === null ? null : named(tx, "the transaction's hash", shorten(tx)),
    time.timeS === null && time.betweenS === null ? null : `, ${when(time, moment)}`
  );
}
function percent(share2, decimals = 1) {
  return `${(100 * share2).toFixed(decimals)} %`;
}

// src/views/disputes.ts
var SIGNS = { upheld: "✕", rejected: "✓", void: "–", open: "…" };
var disputes = {
  title: "Disputes",
  path: "disputes",
  show(root, context, { rest, query }) {
    const chosen2 = readNumber(rest[0]);
    const from = readNumber(query.get("from"));
    const box = make("div");
    const folds = new Folds();
    if (chosen2 !== null) {
      root.append(make("p", {}, make("a", { href: address("disputes"), "data-key": "all" }, "All disputes")));
      new Asked(
        context,
        root,
        `dispute ${chosen2}`,
        () => `/api/disputes/${chosen2}`,
        (one) => one.outcome === null,
        (one) => refill(box, showDispute(one, context, folds, one.timeline))
      );
    } else {
      new Asked(
        context,
        root,
        "the disputes",
        () => from === null ? "/api/disputes" : `/api/disputes?from=${from}`,
        (found) => found.open > 0,
        (found) => refill(box, ...showAll(found, context, folds))
      );
    }
    root.append(box);
    if (context.circle.source.kind === "live") {
      context.every(1e3, () => tick(box));
    }
  }
};
function showAll(found, context, folds) {
  if (found.raised === 0) {
    return [make("p", { class: "lead" }, `${capital(found.says)}.`)];
  }
  return [
    make("p", { class: "lead" }, `${capital(count(found.raised, "dispute"))} raised, ${found.open === 0 ? "none" : found.open} open.`),
    make("p", { class: "faint" }, "A claim that a verdict, a record or a base is false, or withheld, is heard by a jury; nothing is taken before more than half of all bonded seats have confirmed it."),
    ...found.disputes.map((one) => showDispute(one, context, folds, null)),
    found.next === null ? null : make("p", {}, make("a", { href: address("disputes", [], { from: found.next }), "data-key": "older" }, "Older ones"))
  ];
}
function showDispute(one, context, folds, timeline) {
  const kind = one.outcome ?? "open";
  return make(
    "section",
    { class: `card dispute ${kind}` },
    make("h3", {}, make("a", { href: address("disputes", [one.dispute]), "data-key": `dispute ${one.dispute}` }, `Dispute ${one.dispute}`), `: ${one.claim}`),
    make("p", { class: "stands" }, make("span", { class: "sign", "aria-hidden": "true" }, SIGNS[kind]), " ", capital(one.stands), "."),
    one.deadline === null || one.isOver ? null : make("p", { class: "left", "data-until": one.deadline }, ""),
    one.next === null ? null : make("p", { class: "faint" }, `Next: ${one.next}.`),
    facts(
      ["Judge", seatLink(context.store, one.judge)],
      ["Judged", one.target === one.judge ? "itself: its record, base or verdicts" : seatLink(context.store, one.target)],
      ["Round", make("a", { href: address("rounds", [one.round]) }, one.round)],
      ["Raised by", make("span", {}, one.challengerSeat === null ? null : "seat ", one.challengerSeat === null ? null : seatLink(context.store, one.challengerSeat), " ", named(one.challenger, "the challenger's address", shorten(one.challenger)))],
      ["Its evidence", one.isAsking ? "none: it only asks the judge to show what it judged from" : named(`0x${one.evidence}`, "the digest of the record that recomputing gave", `0x${shorten(one.evidence, 10, 6)}`)],
      ["Jury", one.jury.length === 0 ? "not drawn" : seatLinks(context.store, one.jury)],
      ["Appealed by", one.appellant === null ? null : named(one.appellant, "the appellant's address", shorten(one.appellant))]
    ),
    ...one.jury.length > 0 ? [showVotes("The jury", one.juryVotes, one.jury, context)] : [],
    ...one.stage === "circle" ? [showVotes("The whole circle", one.circleVotes, one.electorate, context)] : [],
    showStakes(one),
    timeline === null ? folds.make(`timeline ${one.dispute}`, ["How it went"], (body) => void loadTimeline(body, one.dispute, context)) : make("div", {}, make("h4", {}, "How it went"), showTimeline(timeline))
  );
}
function showVotes(who, votes, asked, context) {
  const missing = asked.filter((seat) => ![votes.upholding, votes.rejecting, votes.withholding].some((cast) => cast.includes(seat)));
  const parts = [
    ["upholding", "for the claim", votes.upholding],
    ["withholding", "could not get what it follows from", votes.withholding],
    ["rejecting", "against it", votes.rejecting],
    ["missing", "no vote", missing]
  ];
  const bar = make("span", { class: "votes", "aria-hidden": "true" }, ...parts.filter(([, , seats2]) => seats2.length > 0).map(([kind, , seats2]) => {
    const part = make("span", { class: kind }, seats2.length);
    part.style.setProperty("--part", String(seats2.length));
    return part;
  }));
  return make(
    "div",
    { class: "hearing" },
    make("p", {}, make("strong", {}, who), `, ${count(votes.of, "seat")}; ${votes.decide} decide`),
    bar,
    make("ul", { class: "plain" }, ...parts.filter(([, , seats2]) => seats2.length > 0).map(([kind, what, seats2]) => make(
      "li",
      {},
      make("span", { class: `swatch ${kind}`, "aria-hidden": "true" }, seats2.length),
      ` ${what}: `,
      seatLinks(context.store, seats2)
    )))
  );
}
function showStakes(one) {
  const nothing = (wei) => /^0*$/.test(wei);
  const rows = [
    ["Pledged", one.isAsking ? null : amount(one.bondWei)],
    ["Pledged for the appeal", nothing(one.appealBondWei) ? null : amount(one.appealBondWei)],
    ["At stake for the judge", nothing(one.atStakeWei) ? null : amount(one.atStakeWei)]
  ];
  if (one.outcome !== null) {
    rows.push(
      ["The judge lost", nothing(one.fineWei) ? "nothing" : amount(one.fineWei)],
      ["Jurors lost", nothing(one.jurorsFinedWei) ? null : amount(one.jurorsFinedWei)],
      ["The challenger was paid", nothing(one.paidWei) ? null : amount(one.paidWei)],
      ["Burned", nothing(one.burnedWei) ? null : amount(one.burnedWei)],
      ["Given back", nothing(one.givenBackWei) ? null : amount(one.givenBackWei)]
    );
  }
  return facts(...rows);
}
function amount(wei) {
  return coin(ether(wei) ?? 0);
}
async function loadTimeline(body, number2, context) {
  say(body, "Loading…");
  try {
    const one = await fetchJson(`/api/disputes/${number2}`, context.signal);
    refill(body, showTimeline(one.timeline));
  } catch (error) {
    say(body, error instanceof Error ? error.message : String(error));
  }
}
function showTimeline(steps) {
  return listSteps(steps, (step2) => step2.kind, (step2) => `${capital(step2.says)}.`);
}
function tick(box) {
  for (const left of box.querySelectorAll("[data-until]")) {
    const seconds = Number(left.dataset["until"]) - Date.now() / 1e3;
    say(left, seconds > 0 ? `${span(seconds)} left` : "The time is over.");
  }
}

// src/marks.ts
var SIGNS2 = {
  accepted: { sign: "●", says: "accepted", paint: "blue" },
  rejected: { sign: "✕", says: "rejected", paint: "red" },
  invalid: { sign: "◆", says: "rejected unread: no proper blob", paint: "violet" },
  unjudged: { sign: "○", says: "no verdict: the update was not to be had", paint: "grey" },
  waiting: { sign: "·", says: "the record is not here", paint: "faint" }
};
function drawMarks(plot, marks, ratio) {
  const { min, max } = plot.scales["x"];
  const shown = marks.filter(({ x }) => x >= (min ?? -Infinity) && x <= (max ?? Infinity));
  const size = (shown.length > 400 ? 2 : shown.length > 100 ? 3.5 : 5) * ratio;
  const pen = plot.ctx;
  const foot = plot.bbox.top + plot.bbox.height - size - 2 * ratio;
  const paints = Object.fromEntries(Object.entries(SIGNS2).map(([mark2, { paint }]) => [mark2, colour(paint)]));
  pen.save();
  pen.setLineDash([]);
  pen.lineWidth = Math.max(1.5 * ratio, size / 3);
  for (const { x, y, mark: mark2 } of shown) {
    const [across, down] = [plot.valToPos(x, "x", true), y === null ? foot : plot.valToPos(y, "y", true)];
    pen.strokeStyle = pen.fillStyle = paints[mark2];
    pen.beginPath();
    shape(pen, mark2, across, down, size);
  }
  pen.restore();
}
function shape(pen, mark2, x, y, size) {
  switch (mark2) {
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

// src/matrix.ts
function readVerdicts({ roster, commits, judges }) {
  const verdicts = /* @__PURE__ */ new Map();
  for (const judge of judges) {
    for (const kind of ["accepted", "rejected", "unjudged"]) {
      for (const author of judge[kind]) {
        verdicts.set(judge.judge * 65536 + author, kind);
      }
    }
  }
  const seats2 = /* @__PURE__ */ new Set([...roster, ...judges.map(({ judge }) => judge), ...commits.map(({ seat }) => seat)]);
  return { seats: [...seats2].sort((a, b) => a - b), verdicts };
}
var LARGEST = 30;
var SMALLEST = 4;
var EDGE = 34;
var Matrix = class {
  element;
  #options;
  #canvas = make("canvas", { tabindex: "0", role: "application", class: "matrix" });
  #reading = make("p", { class: "reading", "aria-live": "polite" });
  #scroller;
  #judges = [];
  #authors = [];
  #verdicts = /* @__PURE__ */ new Map();
  #at = null;
  #side = LARGEST;
  #frame = 0;
  constructor(options, signal) {
    this.#options = options;
    this.#canvas.setAttribute("aria-label", `${options.label}. Arrow keys go from cell to cell.`);
    this.#scroller = make("div", { class: "matrix-place" }, this.#canvas);
    this.element = make("figure", { class: "matrix-figure" }, this.#reading, this.#scroller);
    this.#canvas.addEventListener("pointermove", (event) => this.#point(event));
    this.#canvas.addEventListener("pointerleave", () => this.#move(null));
    this.#canvas.addEventListener("click", (event) => {
      this.#point(event);
      this.#pick();
    });
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
  update(judges, authors, verdicts) {
    [this.#judges, this.#authors, this.#verdicts, this.#at] = [judges, authors, verdicts, null];
    say(this.#reading, "Point at a cell, or go there with the arrow keys.");
    this.#layOut();
  }
  #layOut() {
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
  #redraw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#draw());
  }
  #draw() {
    const pen = this.#canvas.getContext("2d");
    const [side, ratio] = [this.#side, devicePixelRatio || 1];
    const isSmall = side < 8;
    const shades = isSmall ? { accepted: colour("blue"), rejected: colour("orange"), unjudged: colour("grey") } : { accepted: colour("accept"), rejected: colour("reject"), unjudged: colour("blank") };
    const paint = { ...shades, self: colour("line"), mark: colour("reject-ink"), ink: colour("ink"), faint: colour("faint"), focus: colour("focus") };
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    this.#judges.forEach((judge, row) => {
      this.#authors.forEach((author, column) => {
        const verdict = this.#verdicts.get(judge * 65536 + author);
        const [x, y] = [EDGE + column * side, EDGE + row * side];
        if (verdict === void 0) {
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
  #drawEdges(pen, faint, ink) {
    const side = this.#side;
    const every = [1, 2, 4, 8, 16, 32].find((step2) => step2 * side >= 20) ?? 32;
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
  #point(event) {
    const box = this.#canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left - EDGE) / this.#side);
    const row = Math.floor((event.clientY - box.top - EDGE) / this.#side);
    const isInside = row >= 0 && column >= 0 && row < this.#judges.length && column < this.#authors.length;
    this.#move(isInside ? { row, column } : null);
  }
  #press(event) {
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const step2 = steps[event.key];
    if (event.key === "Enter" && this.#at !== null) {
      this.#pick();
    } else if (step2 !== void 0 && this.#judges.length > 0) {
      const from = this.#at ?? { row: 0, column: 0 };
      const row = Math.min(this.#judges.length - 1, Math.max(0, from.row + (this.#at === null ? 0 : step2[0])));
      const column = Math.min(this.#authors.length - 1, Math.max(0, from.column + (this.#at === null ? 0 : step2[1])));
      this.#move({ row, column });
      const edge = EDGE + column * this.#side;
      this.#scroller.scrollLeft = Math.min(edge - EDGE, Math.max(this.#scroller.scrollLeft, edge + this.#side - this.#scroller.clientWidth));
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
  #move(at) {
    if (at?.row === this.#at?.row && at?.column === this.#at?.column) {
      return;
    }
    this.#at = at;
    if (at !== null) {
      const [judge, author] = [this.#judges[at.row], this.#authors[at.column]];
      say(this.#reading, this.#options.read(judge, author, this.#verdicts.get(judge * 65536 + author) ?? null));
    }
    this.#redraw();
  }
  #pick() {
    if (this.#at !== null) {
      this.#options.onPick?.(this.#judges[this.#at.row], this.#authors[this.#at.column]);
    }
  }
};
function drawSign(pen, verdict, x, y, side, ink) {
  const at = (across, down) => [x + side * across, y + side * down];
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

// src/views/distances.ts
var distances = {
  title: "Distances",
  path: "distances",
  async show(root, context, parameters) {
    const seats2 = await context.seats();
    if (seats2.length < 2) {
      root.append(make("p", {}, "A judge and an author are needed, and fewer than two seats are taken."));
      return;
    }
    const pair = new Pair(seats2, () => void change());
    pair.read(parameters.rest);
    const picture = new Picture(context);
    root.append(pair.element);
    const refresh = context.follow(root, () => fetchJson(`/api/distances?judge=${pair.judge}&author=${pair.author}`, context.signal), (box, value) => {
      picture.show(box, value);
      pending(value.pending);
    }, "the distances");
    const pending = askAgainWhilePending(context, refresh);
    const change = async () => {
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
  }
};
var Pair = class {
  judge = 0;
  author = 1;
  element;
  #judges;
  #authors;
  #seats;
  #changed;
  constructor(seats2, changed) {
    [this.#seats, this.#changed] = [seats2, changed];
    const options = () => seats2.map(({ seat, name }) => make("option", { value: seat }, name ? `${seat} “${name}”` : seat));
    this.#judges = make("select", { id: "judge", on: { change: () => this.choose(Number(this.#judges.value), this.author) } }, ...options());
    this.#authors = make("select", { id: "author", on: { change: () => this.choose(this.judge, Number(this.#authors.value)) } }, ...options());
    this.element = make(
      "p",
      { class: "bar pair" },
      make("label", { for: "judge" }, "Judge"),
      this.#judges,
      make("label", { for: "author" }, "Author"),
      this.#authors,
      make("button", { type: "button", title: "Judge and author change places", on: { click: () => this.choose(this.author, this.judge) } }, "⇄ Swap")
    );
  }
  /** Take what the address names; else the seat lowest in reputation is the author, and the highest judges it. */
  read(rest) {
    const ranked = [...this.#seats].sort((a, b) => a.reputation - b.reputation);
    const isSeat = (number2) => number2 !== null && this.#seats.some(({ seat }) => seat === number2);
    const [judge, author] = [readNumber(rest[0]), readNumber(rest[1])];
    this.author = isSeat(author) ? author : ranked.find(({ seat }) => seat !== judge).seat;
    this.judge = isSeat(judge) && judge !== this.author ? judge : ranked.findLast(({ seat }) => seat !== this.author).seat;
    this.#tell();
  }
  choose(judge, author) {
    if (judge === author) {
      [judge, author] = [this.author, this.judge];
    }
    [this.judge, this.author] = [judge, author];
    this.#tell();
    this.#changed();
  }
  #tell() {
    this.#judges.value = String(this.judge);
    this.#authors.value = String(this.author);
  }
};
var Picture = class {
  #context;
  #lead = make("p", { class: "lead" });
  #waits = make("p", { class: "faint", role: "status" });
  #missing = make("ul", { class: "troubles" });
  #key = make("p", { class: "key" });
  #says = make("p", { class: "note" });
  #isLog = make("input", { type: "checkbox", id: "log", on: { change: () => this.#draw() } });
  #scale = make("p", { class: "bar" }, this.#isLog, make("label", { for: "log" }, "Logarithmic scale"));
  #place = make("div");
  #table;
  #plot = null;
  #plotEnds = new AbortController();
  #plotIs = "";
  #marks = [];
  #value = null;
  constructor(context) {
    this.#context = context;
    this.#isLog.checked = true;
    this.#table = new Table([
      { title: "Round", value: (row) => row.round, cell: (row) => make("a", { href: address("rounds", [row.round]) }, row.round), isNumber: true },
      { title: "Verdict", value: (row) => row.verdict, cell: (row) => make("span", { class: "whole" }, `${SIGNS2[row.verdict].sign} ${row.verdict === "unjudged" ? "no verdict" : row.verdict}`) },
      { title: "Distance", value: (row) => row.distance ?? null, cell: (row) => number(row.distance), isNumber: true },
      { title: "Reach", value: (row) => row.reach ?? null, cell: (row) => number(row.reach), isNumber: true },
      { title: "Times the reach", value: (row) => times(row), cell: (row) => number(times(row)), isNumber: true },
      { title: "Mixed", value: (row) => row.mixed === void 0 ? null : row.mixed ? "yes" : "no", hint: "Whether it entered the judge's next base" },
      { title: "Why", value: (row) => this.#explain(row) }
    ], { caption: "Distance and reach by round", key: (row) => row.round, noun: "round", empty: "In no round so far did this judge have this author to judge.", sortBy: "Round" });
  }
  show(box, value) {
    this.#value = value;
    if (!this.#lead.isConnected) {
      refill(box, this.#lead, this.#waits, this.#key, this.#place, this.#scale, this.#missing, this.#says, make("h2", {}, "Round by round"), this.#table.element);
    }
    say(this.#lead, describe2(value, (seat) => seatText(this.#context.store, seat)));
    say(this.#waits, value.pending > 0 ? `Fetching the judge's records: ${count(value.pending, "more", "more")}.` : "");
    this.#waits.hidden = value.pending === 0;
    refill(this.#missing, ...value.missing.map(({ says, rounds: rounds2 }) => make("li", {}, `${rounds2.length === 1 ? "Round" : "Rounds"} ${list(rounds2, "", 12)}: ${says}.`)), ...value.holders.map(({ round, seat, holder }) => make("li", {}, `From round ${round} on seat ${seat} is held by another peer, its holder ${holder}.`)));
    this.#missing.hidden = value.missing.length + value.holders.length === 0;
    say(this.#says, value.says);
    this.#table.update(value.points);
    this.#draw();
  }
  #draw() {
    const value = this.#value;
    if (value === null) {
      return;
    }
    const known = value.points.filter(({ distance: distance2 }) => typeof distance2 === "number");
    const canBeLog = known.length > 0 && known.every(({ distance: distance2, reach: reach2 }) => distance2 > 0 && (typeof reach2 !== "number" || reach2 > 0));
    this.#scale.hidden = !canBeLog;
    this.#place.hidden = this.#key.hidden = value.points.length === 0;
    const isLog = canBeLog && this.#isLog.checked;
    const [distance, reach] = value.what.map(capital);
    this.#marks = value.points.map((point) => ({ x: point.round, y: point.distance ?? null, mark: markOf(point) }));
    const xs = value.points.map(({ round }) => round);
    const lines = [
      { label: distance.toLowerCase(), values: value.points.map((point) => point.distance ?? null), colour: "sky", width: 1, hasNoPoints: true },
      { label: reach.toLowerCase(), values: value.points.map((point) => point.reach ?? null), colour: "orange", width: 2, dash: [8, 4], hasNoPoints: true }
    ];
    if (value.gate !== null) {
      lines.push({ label: `gate, at least ${digits(value.gate)} times the reach`, values: value.points.map((point) => typeof point.reach === "number" ? point.reach * value.gate : null), colour: "grey", width: 1, dash: [2, 3], hasNoPoints: true });
    }
    const is = `${isLog} ${value.what.join()}`;
    if (this.#plot === null || this.#plotIs !== is) {
      this.#plotIs = is;
      this.#plotEnds.abort();
      this.#plotEnds = new AbortController();
      this.#plot = new Plot({
        label: `${distance} and ${reach.toLowerCase()} by round, with the verdict as a mark`,
        xLabel: "round",
        yLabel: `${value.what[0]}, in ${value.unit.split(":")[0]}`,
        height: 360,
        format: digits,
        formatY: digits,
        isLog,
        drawOver: (plot, ratio) => drawMarks(plot, this.#marks, ratio),
        onPick: (round) => {
          location.hash = address("rounds", [round]);
        }
      }, AbortSignal.any([this.#context.signal, this.#plotEnds.signal]));
      refill(this.#place, this.#plot.element);
    }
    this.#plot.update(xs, lines);
    const counts = /* @__PURE__ */ new Map();
    for (const { mark: mark2 } of this.#marks) {
      counts.set(mark2, (counts.get(mark2) ?? 0) + 1);
    }
    refill(this.#key, ...[...counts].map(([mark2, times2]) => make("span", {}, make("span", { class: `sign-of ${SIGNS2[mark2].paint}`, "aria-hidden": "true" }, SIGNS2[mark2].sign), ` ${SIGNS2[mark2].says}: ${times2}`)));
  }
  #explain(point) {
    if (point.known !== void 0) {
      return point.known === "pending" ? "the record is being fetched" : "the record is missing";
    }
    return point.reason ? this.#value?.reasons[point.reason] ?? "" : "";
  }
};
function describe2({ judge, author, points, leftOut }, name) {
  const judged = points.filter(({ verdict }) => verdict !== "unjudged");
  const accepted = judged.filter(({ verdict }) => verdict === "accepted").length;
  if (points.length === 0) {
    return `${capital(name(judge))} has not had ${name(author)} to judge in any round so far.`;
  }
  const older = leftOut > 0 ? ` ${count(leftOut, "older round")} left out.` : "";
  return `${capital(name(judge))} accepted ${name(author)} in ${accepted} of ${count(judged.length, "round")} in which it judged it.${older}`;
}
function markOf(point) {
  return point.known !== void 0 ? "waiting" : point.verdict;
}
function number(value) {
  return typeof value === "number" ? digits(value) : "–";
}
function times({ distance, reach }) {
  return typeof distance === "number" && typeof reach === "number" && reach > 0 ? distance / reach : null;
}
function showMatrix(root, context, pick) {
  const place2 = make("section", { "aria-label": "Choose a pair" });
  const heading = make("h2");
  const matrix = new Matrix({
    label: "Verdicts of the newest settled round: choose a judge's row and an author's column",
    read: (judge, author, verdict) => `Judge ${seatText(context.store, judge)}, author ${seatText(context.store, author)}: ${verdict ?? (judge === author ? "itself" : "not its neighbour in this round")}. Enter or a click shows their distances.`,
    onPick: (judge, author) => {
      if (judge !== author) {
        pick(judge, author);
      }
    }
  }, context.signal);
  const newest2 = () => context.now.phase === "finished" || context.now.following.state === "bundle" ? context.now.round : context.now.round - 1;
  if (newest2() < 1) {
    return;
  }
  root.append(place2);
  place2.append(heading);
  context.follow(place2, () => context.get(`/api/rounds/${Math.max(1, newest2())}`), (box, round) => {
    if (!matrix.element.isConnected) {
      refill(box, make("p", { class: "faint" }, "A cell is a pair: its row the judge, its column the author."), matrix.element);
    }
    say(heading, `Choose a pair: who accepted whom in round ${round.number}`);
    const { seats: seats2, verdicts } = readVerdicts(round);
    matrix.update(seats2, seats2, verdicts);
  }, "the newest round");
}

// src/views/figures.ts
var AGAIN_MS2 = 5e3;
var figures = {
  title: "Figures",
  path: "figures",
  async show(root, context, { query }) {
    const { store } = context;
    let metric = null;
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
      label: "The chosen figure of each node here, by round",
      xLabel: "round",
      yLabel: "",
      height: 340,
      format: (value) => metric === null ? digits(value) : inUnit(value, metric.unit),
      formatY: short
    }, context.signal);
    const table = new Table([
      { title: "Seat", value: (row) => row.seat, cell: (row) => seatLink(store, row.seat) },
      { title: "Newest", value: (row) => row.last, cell: (row) => inMetric(row.last), isNumber: true },
      { title: "Best", value: (row) => row.best, cell: (row) => inMetric(row.best), isNumber: true, hint: "Where it is said which way is better" },
      { title: "Last round", value: (row) => row.row.lastRound, isNumber: true },
      { title: "Reports", value: (row) => row.row.reports, isNumber: true },
      { title: "Said at", value: (row) => row.row.lastAtS, cell: (row) => moment(row.row.lastAtS) },
      { title: "Folder", value: (row) => row.row.source, cell: (row) => make("code", {}, row.row.source) }
    ], { caption: "Nodes here and their newest figures", key: (row) => row.seat, noun: "node", empty: "No node here has reported a round yet." });
    const inMetric = (value) => value === null ? "–" : inUnit(value, metric?.unit ?? "");
    await context.seats();
    const refresh = context.follow(root, () => {
      const path = asked === "" ? "/api/figures" : `/api/figures?metric=${encodeURIComponent(asked)}`;
      return fetchJson(path, context.signal);
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
    context.every(AGAIN_MS2, () => void refresh());
    return (changed) => {
      asked = changed.query.get("metric") ?? "";
      void refresh();
      return true;
    };
  }
};
function fillSelect(select, { metrics, metric }) {
  const names = metrics.map(({ name }) => name).join("\n");
  if (select.dataset["names"] !== names) {
    select.dataset["names"] = names;
    select.replaceChildren(...metrics.map(({ name }) => make("option", { value: name }, name)));
  }
  if (metric !== null) {
    select.value = metric;
  }
}
function summarise(seat, row, metric) {
  const values = metric === null ? [] : row.values[metric.name] ?? [];
  const known = values.filter((value) => value !== null);
  const pick = metric?.better === "higher" ? Math.max : metric?.better === "lower" ? Math.min : null;
  const best = pick === null || known.length === 0 ? null : known.reduce((a, b) => pick(a, b));
  return { seat, row, last: values.at(-1) ?? null, best };
}

// src/views/findings.ts
var MANY = 32;
var findings = {
  title: "Findings",
  path: "findings",
  show(root, context, { query }) {
    const seat = readNumber(query.get("seat"));
    const state = make("div");
    const box = make("div");
    const folds = new Folds();
    let shown = -1;
    new Asked(
      context,
      root,
      "what the audit found",
      () => seat === null ? "/api/findings" : `/api/findings?seat=${seat}`,
      (found) => found.state === "working" || found.state === "failed",
      (found) => {
        showState(state, found);
        if (found.version !== shown) {
          shown = found.version;
          showReport(box, found, seat, context, folds);
        }
      }
    );
    root.append(state, box);
  }
};
function showState(box, { state, says, progress }) {
  const words = { off: "No audit.", working: "An audit goes on behind this page.", done: "", failed: "The audit stands still.", report: "A report made elsewhere." };
  const bar = progress === null ? null : make("progress", { max: progress.total, value: progress.done, "aria-label": "rounds gone through" });
  refill(
    box,
    make(
      "p",
      { class: state === "failed" ? "note bad" : "note" },
      make("strong", {}, words[state]),
      words[state] === "" ? "" : " ",
      sentence(says),
      bar === null ? null : " ",
      bar,
      progress === null ? null : ` ${progress.done} of ${count(progress.total, "round")}`
    )
  );
}
function showReport(box, { report }, seat, context, folds) {
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
    report.notChecked.length === 0 ? make("p", {}, "Nothing was left out, as far as the report says.") : make("ul", { class: "notes" }, ...report.notChecked.map((said) => make("li", {}, said))),
    ...showNotes(report.notes),
    make("h2", {}, "Checks"),
    showChecks(report.checks),
    ...showAvailability(report, context)
  );
}
function describeSource(report) {
  const when2 = report.madeAt === null ? "" : moment(Date.parse(report.madeAt) / 1e3);
  return facts(
    ["Up to", make("span", {}, `block ${report.block}`, report.blockTimeS === null ? "" : `, ${moment(report.blockTimeS)}`, " ", report.blockHash === "" ? null : named(report.blockHash, "the block's hash", shorten(report.blockHash, 12, 6)))],
    ["Recomputed", `${count(report.recomputed, "attestation")} of ${report.scope || "no round"}`],
    ["Blobs", `${report.blobs.toLocaleString("en")} fetched, ${bytes(report.blobBytes)}`],
    ["Made", `${when2 === "" ? "" : `${when2}, `}by ${report.madeBy}`],
    ["Told by", report.endpoint === "" ? null : `the endpoint at ${report.endpoint}`]
  );
}
function listSeats(groups) {
  const seats2 = [];
  for (const group of groups) {
    const last = seats2.at(-1)?.[0];
    if (last && last.seat === group.seat && last.peer === group.peer) {
      seats2.at(-1).push(group);
    } else {
      seats2.push([group]);
    }
  }
  return seats2;
}
function showSeats(seats2, context, folds) {
  const box = make("div", {}, ...seats2.slice(0, MANY).map((of) => showSeat(of, context, folds)));
  if (seats2.length > MANY) {
    const left = seats2.length - MANY;
    const all = make("button", { type: "button", "data-key": "all seats", on: { click: () => {
      all.remove();
      box.append(...seats2.slice(MANY).map((of) => showSeat(of, context, folds)));
    } } }, `Show ${count(left, "more seat")}`);
    box.append(all);
  }
  return box;
}
function showSeat(groups, context, folds) {
  const first = groups[0];
  const head = first.seat === null ? make("h3", {}, "Of no seat") : make("h3", {}, "Seat ", seatLink(context.store, first.seat));
  const peer = first.peer === null ? null : make(
    "p",
    { class: "faint" },
    first.auditorsName === null ? "" : `${first.auditorsName}, as the auditor calls it, `,
    named(first.peer, "the address", first.peer)
  );
  return make("section", { class: "card" }, head, peer, ...groups.map((group) => showGroup(group, folds)));
}
function showGroup(group, folds) {
  const key = `${group.seat} ${group.peer} ${group.check} ${group.says}`;
  const fault = group.fault === null ? null : make("p", { class: "fault" }, "At fault: ", group.fault, group.blamed ? "." : ". No seat is blamed for it.");
  return make(
    "div",
    { class: "group" },
    make("p", {}, make("span", { class: "tag", title: group.statement }, group.check), " ", group.says, "."),
    fault,
    folds.make(key, [`Evidence of ${count(group.findings.length, "finding")}`], (body) => {
      body.append(...group.findings.map(showFinding));
      if (group.left > 0) {
        const more = group.seat === null ? "" : make("a", { href: address("findings", [], { seat: group.seat }) }, "all about this seat");
        body.append(make("p", {}, `${count(group.left, "finding")} more: `, more));
      }
    })
  );
}
function showFinding(finding) {
  return make(
    "article",
    { class: "finding" },
    make("p", {}, finding.round === null ? null : make("a", { href: address("rounds", [finding.round]) }, `Round ${finding.round}`), finding.round === null ? "" : ": ", finding.fact, "."),
    ...finding.onChain.map((anchor) => make(
      "p",
      { class: "anchor" },
      `${anchor.what}: CID `,
      named(anchor.cid, "the CID", shorten(anchor.cid, 14, 6)),
      " digest ",
      named(anchor.digest, "the digest", shorten(anchor.digest, 12, 6)),
      " ",
      place(anchor)
    )),
    finding.evidence.length === 0 ? null : make("dl", { class: "tight" }, ...finding.evidence.map(({ name, value }) => make(
      "div",
      {},
      make("dt", {}, name),
      make("dd", {}, make("code", {}, value))
    )))
  );
}
function showNotes(notes) {
  return notes.length === 0 ? [] : [make("h2", {}, "Notes"), make("ul", { class: "notes" }, ...notes.map((note) => make("li", {}, note)))];
}
function showChecks(checks) {
  const table = new Table(
    [
      { title: "Check", value: (one) => one.check },
      { title: "Holds when", value: (one) => one.statement, cell: (one) => make("span", { class: "statement" }, one.statement) },
      { title: "Looked at", value: (one) => one.lookedAt, cell: (one) => one.lookedAt.toLocaleString("en"), isNumber: true },
      { title: "Findings", value: (one) => one.findings, cell: (one) => one.findings > 0 ? make("strong", { class: "bad" }, `✕ ${one.findings}`) : one.lookedAt > 0 ? "✓ 0" : "–", isNumber: true }
    ],
    { caption: "The audit's checks", key: (one) => one.check, noun: "check", empty: "No check." }
  );
  table.update(checks);
  return table.element;
}
function showAvailability({ availability }, context) {
  const { holders, spans, left } = availability;
  if (holders.length === 0) {
    return [];
  }
  const table = new Table(
    [
      { title: "Seat", value: (one) => one.seat, cell: (one) => seatLink(context.store, one.seat), isNumber: true },
      { title: "Held", value: (one) => one.held, isNumber: true, hint: "Rounds in which it had the seat" },
      { title: "Waited for", value: (one) => one.waitedFor, isNumber: true },
      { title: "Committed", value: (one) => one.committed, isNumber: true },
      { title: "Attested", value: (one) => one.attested, isNumber: true },
      { title: "Dozed", value: (one) => one.dozed, isNumber: true, hint: "Rounds that opened while nobody waited for it" },
      { title: "Not reached", value: (one) => one.unreached, isNumber: true, hint: "Rounds in which more than half of its judges could not get its update, they say" },
      { title: "Over time", value: (one) => one.attested, cell: (one) => showSpans(one, spans) }
    ],
    { caption: "Who took part, by the chain alone", key: (one) => `${one.seat} ${one.tenure}`, noun: "holder", empty: "Nobody." }
  );
  table.update(holders);
  return [
    make("h2", {}, "Availability"),
    make("p", {}, "How each holder of a seat took part, by the chain alone. Absence proves no fault, and the audit blames nobody for it."),
    table.element,
    ...left > 0 ? [make("p", {}, `${count(left, "more holder")} in the report as a file.`)] : []
  ];
}
function showSpans(holder, spans) {
  const said = holder.spans.map((one, index) => `${spans[index]?.[0]}–${spans[index]?.[1]}: ${one.attested} of ${one.held}`).join("; ");
  const bars = holder.spans.map((one) => {
    const bar = make("span", { class: one.held === 0 ? "none" : "" });
    bar.style.setProperty("--part", String(one.held === 0 ? 0 : one.attested / one.held));
    return bar;
  });
  return make("span", { class: "spans", role: "img", "aria-label": `attested in rounds ${said}`, title: said }, ...bars);
}

// src/views/now.ts
var LARGE = 32;
var NAMED = 12;
var MARKS = {
  attested: { kind: "attested", sign: "✓", says: "attested" },
  committed: { kind: "committed", sign: "●", says: "committed" },
  waited: { kind: "waited", sign: "…", says: "waited for" },
  missing: { kind: "missing", sign: "✕", says: "did not commit" },
  resting: { kind: "resting", sign: "–", says: "not in this round" }
};
var now = {
  title: "Now",
  path: "now",
  show(root, context) {
    const lead = make("p", { class: "lead" });
    const left = make("p", { class: "countdown" });
    const follows = make("p", { class: "faint" });
    root.append(lead, left, follows);
    const tick2 = () => {
      const state = context.now;
      say(lead, describe3(state, context));
      say(left, describeLeft(state));
      left.hidden = left.textContent === "";
      say(follows, describeFollowing(state));
    };
    tick2();
    context.every(500, tick2);
    context.whenChanged(tick2);
    root.append(make("h2", {}, "Seats in this round"));
    const key = make("p", { class: "key" });
    const grid = make("ul", { class: "grid" });
    const places = make("div", {}, key, grid);
    let seats2 = [];
    let { revision } = context.now;
    context.follow(root, () => context.seats(), (box, found) => {
      if (!places.isConnected) {
        box.append(places);
      }
      seats2 = found;
      fillGrid(grid, key, seats2, context.now);
    }, "the seats");
    context.whenChanged((state) => {
      if (state.revision !== revision && places.isConnected) {
        revision = state.revision;
        fillGrid(grid, key, seats2, state);
      }
    });
    root.append(make("h2", {}, "The newest settled round"));
    context.follow(root, () => context.get(lastRounds(context.now)), (box, rounds2) => {
      refill(box, newestRound(rounds2));
    }, "the last rounds");
    root.append(make("h2", {}, "Disputes and findings"));
    const trouble = make("p");
    root.append(trouble);
    const tell = () => refill(trouble, ...describeTrouble(context.now));
    tell();
    context.whenChanged(tell);
  }
};
function lastRounds({ round }) {
  return `/api/rounds?from=${Math.max(1, round - 1)}&to=${Math.max(1, round)}`;
}
function describe3(state, { circle }) {
  const all = state.roster.length;
  switch (state.phase) {
    case "gathering":
      return `The circle gathers: ${count(all, "seat")} taken so far. Round 1 opens once enough peers have joined.`;
    case "commit":
      return `Round ${state.round} of ${circle.lastRound}: ${state.committed.length} of ${count(all, "seat")} have committed their update. ${waits(state)}`;
    case "attest":
      return `Round ${state.round} of ${circle.lastRound}: ${state.attested.length} of ${count(state.committed.length, "seat")} that committed have attested their verdicts. ${waits(state)}`;
    case "finished":
      return `Finished: all ${count(circle.lastRound, "round")} are settled.`;
    default:
      return `Round ${state.round} of ${circle.lastRound}: ${state.phase}.`;
  }
}
function waits({ waitedFor }) {
  return waitedFor.length === 0 ? "Nobody is waited for." : `Waited for: ${list(waitedFor, "", NAMED)}.`;
}
function describeFollowing({ following, block, blockTimeS }) {
  const newest2 = `Newest block ${block.toLocaleString("en")}`;
  if (blockTimeS === null) {
    return `${newest2}. ${sentence(following.says)}`;
  }
  const when2 = following.state === "live" ? `${span(Date.now() / 1e3 - blockTimeS)} ago` : `of ${moment(blockTimeS)}`;
  return `${newest2}, ${when2}. ${sentence(following.says)}`;
}
function markOf2(seat, state, sets) {
  if (sets.waited.has(seat)) {
    return MARKS.waited;
  }
  if (sets.attested.has(seat)) {
    return MARKS.attested;
  }
  if (sets.committed.has(seat)) {
    return MARKS.committed;
  }
  return sets.roster.has(seat) && state.phase !== "gathering" ? MARKS.missing : MARKS.resting;
}
function fillGrid(grid, key, seats2, state) {
  const sets = {
    roster: new Set(state.roster),
    committed: new Set(state.committed),
    attested: new Set(state.attested),
    waited: new Set(state.waitedFor)
  };
  const isSmall = seats2.length > LARGE;
  grid.classList.toggle("small", isSmall);
  const counts = /* @__PURE__ */ new Map();
  const cells = seats2.map((one) => {
    const mark2 = markOf2(one.seat, state, sets);
    counts.set(mark2, (counts.get(mark2) ?? 0) + 1);
    const bad = isFallen(one);
    const name = one.name ? ` “${one.name}”` : "";
    const says = `seat ${one.seat}${name}, ${mark2.says}${bad ? `, ${one.standing.join(", ")}` : ""}`;
    return make(
      "li",
      {},
      make(
        "a",
        { href: address("seats", [one.seat]), class: `cell ${mark2.kind}${bad ? " fallen" : ""}`, title: says, "data-key": one.seat },
        make("span", { class: "number" }, one.seat),
        make("span", { class: "sign", "aria-hidden": "true" }, mark2.sign),
        isSmall ? null : make("span", { class: "name" }, chosenName(one)),
        make("span", { class: "word" }, isSmall ? make("span", { class: "unseen" }, mark2.says) : mark2.says),
        isSmall || !bad ? null : make("span", { class: "standing" }, one.standing.join(", "))
      )
    );
  });
  refill(grid, ...cells);
  const fallen = seats2.filter(isFallen).length;
  const struck = isSmall && fallen > 0 ? make("span", {}, make("span", { class: "swatch struck", "aria-hidden": "true" }, "5"), ` quarantined, suspended or out: ${fallen}`) : null;
  refill(key, ...seats2.length === 0 ? ["Nobody has a seat yet: `folkmoot node` takes one."] : [...counts].map(([mark2, number2]) => make("span", {}, make("span", { class: `swatch ${mark2.kind}`, "aria-hidden": "true" }, mark2.sign), ` ${mark2.says}: ${number2}`)), struck);
}
function isFallen({ standing: standing2 }) {
  return standing2.length > 0;
}
function newestRound(rounds2) {
  let at = rounds2.number.length - 1;
  while (at >= 0 && rounds2.settledAtS[at] === null) {
    at -= 1;
  }
  const number2 = rounds2.number[at];
  if (number2 === void 0) {
    return make("p", {}, "No round is settled yet.");
  }
  const [opened, settled] = [rounds2.openedAtS[at], rounds2.settledAtS[at]];
  const facts2 = [
    ["Committed", rounds2.committed[at] ?? 0],
    ["Attested", rounds2.attested[at] ?? 0],
    ["Accepted", rounds2.accepted[at] ?? 0],
    ["Rejected", rounds2.rejected[at] ?? 0],
    ["No verdict", rounds2.unjudged[at] ?? 0],
    ["Took", typeof opened === "number" && typeof settled === "number" ? span(settled - opened) : "–"]
  ];
  return make(
    "div",
    {},
    make("p", {}, make("a", { href: address("rounds", [number2]), "data-key": "newest" }, `Round ${number2}`), `, settled at ${clock(settled)}`),
    make("dl", { class: "tiles" }, ...facts2.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))))
  );
}
function describeTrouble(state) {
  const { openDisputes } = state;
  const disputes2 = openDisputes === 0 ? "No dispute is open." : `${count(openDisputes, "dispute")} open.`;
  return [
    make("a", { href: address("disputes"), "data-key": "disputes" }, disputes2),
    " ",
    make("a", { href: address("findings"), "data-key": "findings" }, describeAudit(state))
  ];
}
function describeAudit({ findings: findings2, audit }) {
  if (findings2 === null || audit.block === null) {
    return audit.state === "working" ? "An audit is being made: it has not reported yet." : audit.state === "failed" ? "The audit could not be made." : "No audit has been made for this page.";
  }
  const upTo = `up to block ${audit.block.toLocaleString("en")}`;
  const found = findings2 > 0 ? `The audit has ${count(findings2, "finding")}, ${upTo}.` : audit.isWhole ? `The audit found nothing ${upTo}.` : `The audit found nothing ${upTo} in what it could look at, which is not all.`;
  return audit.state === "failed" ? `${found} It does not go on.` : found;
}

// src/views/privacy.ts
var privacy = {
  title: "Privacy",
  path: "privacy",
  isFor: (circle) => circle.privacy !== null,
  async show(root, context) {
    const { store } = context;
    const terms = make("ul", { class: "terms" });
    const word = make("p", { class: "note" });
    const waits2 = make("p", { class: "faint", role: "status" });
    let budget = 0;
    let plot = null;
    const table = new Table([
      { title: "Seat", value: (row) => row.seat, cell: (row) => seatLink(store, row.seat) },
      { title: "ε spent", value: (row) => row.spent, cell: (row) => row.spent === null ? row.missing ?? "–" : spentCell(row.spent, budget), isNumber: true },
      { title: "As of round", value: (row) => row.asOfRound, isNumber: true },
      { title: "Rounds charged", value: (row) => row.charged, isNumber: true },
      { title: "Rounds left", value: (row) => row.roundsLeft, isNumber: true, hint: "How many more rounds the circle's budget holds at the rate and noise that the seat says" },
      { title: "Examples", value: (row) => row.examples, cell: (row) => row.examples === null ? "not said" : row.examples.toLocaleString("en"), isNumber: true },
      { title: "Holds itself to", value: (row) => row.own?.budget ?? null, cell: (row) => row.own === null ? "–" : `ε ${digits(row.own.budget)}, ${row.own.roundsLeft === null ? "rounds left not known" : count(row.own.roundsLeft, "round")} left`, hint: "Its node's own word, of folders on this machine" }
    ], { caption: "What each seat has spent", key: (row) => row.seat, noun: "seat", empty: "Nobody has a seat yet.", sortBy: "ε spent" });
    if (context.circle.privacy === null) {
      root.append(make("p", {}, "This circle has no privacy terms: peers' updates are not noised, and nobody counts what they give away."));
      return;
    }
    await context.seats();
    const refresh = context.follow(root, () => fetchJson("/api/privacy", context.signal), (box, value) => {
      if (value === null) {
        refill(box, make("p", {}, "This circle has no privacy terms."));
        return;
      }
      budget = value.terms.epsilon;
      plot ??= new Plot({
        label: "ε spent by each seat, by round",
        xLabel: "round",
        yLabel: "ε spent",
        height: 320,
        format: digits,
        floor: { value: budget, label: `the circle's budget, ε ${digits(budget)}` },
        range: [0, budget * 1.08]
      }, context.signal);
      if (!terms.isConnected) {
        refill(box, make("h2", {}, "What was agreed"), terms, make("h2", {}, "What is spent"), word, waits2, plot.element, table.element);
      }
      refill(terms, ...value.terms.says.map((sentence2) => make("li", {}, sentence2)));
      say(word, value.says);
      say(waits2, value.pending > 0 ? `Fetching updates to see what they say: ${count(value.pending, "more", "more")}.` : "");
      waits2.hidden = value.pending === 0;
      table.update(value.seats);
      drawSpending(plot, value.seats, (seat) => seatText(store, seat));
      pending(value.pending);
    }, "what was spent");
    const pending = askAgainWhilePending(context, refresh);
  }
};
function spentCell(spent, budget) {
  const share2 = budget > 0 ? spent / budget : 0;
  return make(
    "span",
    { class: "whole" },
    `${digits(spent)} of ${digits(budget)} `,
    make("meter", { min: 0, max: 1, low: 0.75, high: 0.95, optimum: 0, value: Math.min(1, share2), "aria-label": `${Math.round(100 * share2)} % spent` })
  );
}
function drawSpending(plot, seats2, name) {
  const spending = seats2.filter(({ rounds: rounds2 }) => rounds2.length > 0);
  const { xs, lines } = joinRounds(spending.map((one) => ({ label: name(one.seat), rounds: one.rounds, values: one.spentOver })));
  plot.element.hidden = lines.length === 0;
  plot.update(xs, lines);
}

// src/mixing.ts
var LEFT = 92;
var TOP = 34;
var COLUMN = 96;
var ROW = 46;
var LEAST = 5;
var LARGEST2 = 16;
var WIDEST = 9;
function drawGraph(graph, context) {
  const rows = new Map(graph.seats.map((seat, row) => [seat, row]));
  const x = (round) => LEFT + (round - graph.first) * COLUMN;
  const y = (seat) => TOP + (rows.get(seat) ?? 0) * ROW + ROW / 2;
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
  const dots = /* @__PURE__ */ new Map();
  const choose = (node) => {
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
    const size = node.coefficient === null ? LEAST : LEAST + (LARGEST2 - LEAST) * Math.sqrt(Math.abs(node.coefficient) / most);
    const dot = draw("circle", {
      cx: x(node.round),
      cy: y(node.seat),
      r: size,
      tabindex: index === 0 ? 0 : -1,
      role: "button",
      class: `update${node.coefficient === null ? " hollow" : ""}${node.seat === graph.of ? " marked" : ""}`,
      "aria-label": describeUpdate(node, context),
      on: { click: () => choose(node), focus: () => choose(node), keydown: (event) => step(event, node, graph, dots) }
    }, draw("title", {}, describeUpdate(node, context)));
    dots.set(`${node.round} ${node.seat}`, dot);
    svg.append(dot);
  });
  return make("div", {}, make("div", { class: "scroller pictured", role: "region", tabindex: "0", "aria-label": "Graph of mixings" }, svg), told);
}
function drawEdge(edge, graph, x, y) {
  const [from, to] = [x(edge.round), x(edge.round + 1)];
  const bend = COLUMN / 2.2;
  const marked = graph.of === null ? "" : edge.from === graph.of ? " of" : edge.to === graph.of ? " to" : "";
  return draw("path", {
    d: `M${from},${y(edge.from)} C${from + bend},${y(edge.from)} ${to - bend},${y(edge.to)} ${to},${y(edge.to)}`,
    class: `edge${edge.from === edge.to ? " kept" : ""}${marked}`,
    "stroke-width": (0.6 + WIDEST * edge.weight).toFixed(2)
  });
}
function step(event, node, graph, dots) {
  const row = graph.seats.indexOf(node.seat);
  const ways = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
  const way = ways[event.key];
  if (!way) {
    return;
  }
  event.preventDefault();
  for (let [round, at] = [node.round + way[0], row + way[1]]; round >= graph.first && round <= graph.last && at >= 0 && at < graph.seats.length; round += way[0], at += way[1]) {
    const found = dots.get(`${round} ${graph.seats[at]}`);
    if (found) {
      found.focus();
      return;
    }
  }
}
function describeUpdate(node, context) {
  const part = node.coefficient === null ? "not in the model" : `coefficient ${node.coefficient.toFixed(4)} in the model`;
  return `${seatText(context.store, node.seat)}, round ${node.round}: ${part}`;
}
function describeNode(node, graph, context) {
  const told = (edges, end) => edges.sort((a, b) => b.weight - a.weight).map((edge) => `${seatText(context.store, edge[end])} ${percent(edge.weight)}`).join(", ");
  const out = graph.edges.filter((edge) => edge.round === node.round && edge.from === node.seat && edge.to !== node.seat);
  const into = graph.edges.filter((edge) => edge.round === node.round && edge.to === node.seat && edge.from !== node.seat);
  const kept2 = graph.edges.find((edge) => edge.round === node.round && edge.from === node.seat && edge.to === node.seat);
  const parts = [
    `${describeUpdate(node, context)}.`,
    out.length === 0 ? "It was mixed into no other base." : `It became a part of the bases of ${told(out, "to")}.`,
    into.length === 0 ? "Its author's next base took nothing from others." : `Its author's next base is its own to ${percent(kept2?.weight ?? 0)}, and of ${told(into, "from")}.`
  ];
  return parts.join(" ");
}
function listEdges(graph, context) {
  const table = new Table(
    [
      { title: "Round", value: (edge) => edge.round, isNumber: true },
      { title: "Update of", value: (edge) => edge.from, cell: (edge) => seatText(context.store, edge.from), isNumber: true },
      { title: "Into the base of", value: (edge) => edge.to, cell: (edge) => seatText(context.store, edge.to), isNumber: true },
      { title: "Part of it", value: (edge) => edge.weight, cell: (edge) => percent(edge.weight), isNumber: true }
    ],
    { caption: "Mixings", key: (edge) => `${edge.round} ${edge.from} ${edge.to}`, noun: "mixing", empty: "No mixing.", canFilter: true }
  );
  table.update(graph.edges);
  return make("details", {}, make("summary", { "data-key": "as table" }, "The graph as a table"), table.element);
}

// src/influence.ts
var LEFT2 = 64;
var TOP2 = 6;
var BOTTOM = 22;
var WIDE = 760;
var TALLEST = 22;
var ROOM = 900;
var LEAST2 = 5;
function drawInfluence({ spans, rows }, context) {
  if (spans.length === 0 || rows.length === 0) {
    return make("p", {}, "No update is in the model.");
  }
  const tall = Math.max(LEAST2, Math.min(TALLEST, ROOM / rows.length));
  const broad = Math.min(60, (WIDE - LEFT2) / spans.length);
  const length = spans[0][1] - spans[0][0] + 1;
  const most = Math.max(...rows.flatMap((row) => row.values), 1e-9);
  const height = TOP2 + rows.length * tall + BOTTOM;
  const width = LEFT2 + spans.length * broad + 8;
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, class: "influence", role: "img", "aria-label": "Coefficients by seat and round; the table below has the same" });
  const every = Math.max(1, Math.ceil(14 / tall));
  rows.forEach(({ seat, values }, row) => {
    const top = TOP2 + row * tall;
    if (row % every === 0) {
      svg.append(draw("text", { x: 0, y: top + tall / 2 + 4, class: "row" }, `seat ${seat}`));
    }
    values.forEach((value, column) => {
      if (value === 0) {
        return;
      }
      const field = draw("rect", { x: LEFT2 + column * broad, y: top, width: Math.max(1, broad - 1), height: Math.max(1, tall - 1), class: value < 0 ? "field back" : "field" });
      field.style.setProperty("--part", (Math.abs(value) / most).toFixed(3));
      const [first, last] = spans[column];
      field.append(draw("title", {}, `${seatText(context.store, seat)}, ${first === last ? `round ${first}` : `rounds ${first} to ${last}`}: ${value.toFixed(4)}`));
      svg.append(field);
    });
  });
  const step2 = Math.max(1, Math.ceil(spans.length / 12));
  spans.forEach(([first], column) => {
    if (column % step2 === 0) {
      svg.append(draw("text", { x: LEFT2 + column * broad, y: height - 6, class: "row" }, first));
    }
  });
  const added = length > 1 ? `, added up over spans of ${length} rounds` : "";
  return make(
    "div",
    {},
    make("p", {}, `The coefficients of each seat's updates in the model${added}: the stronger the colour, the more; empty where nothing of it is in the model. The most is ${most.toFixed(4)}.`),
    make("div", { class: "scroller pictured", role: "region", tabindex: "0", "aria-label": "Influence by seat and round" }, svg),
    asTable(spans, rows, context)
  );
}
function asTable(spans, rows, context) {
  const table = new Table(
    [
      { title: "Seat", value: (row) => row.seat, cell: (row) => seatText(context.store, row.seat), isNumber: true },
      ...spans.map(([first, last], column) => ({
        title: first === last ? `${first}` : `${first}–${last}`,
        value: (row) => row.values[column] ?? 0,
        cell: (row) => row.values[column] ? row.values[column].toFixed(4) : "·",
        isNumber: true
      }))
    ],
    { caption: "Coefficients by seat and round", key: (row) => row.seat, noun: "seat", empty: "Nobody." }
  );
  table.update(rows);
  return make("details", {}, make("summary", { "data-key": "influence as table" }, "The same as a table"), table.element);
}

// src/views/provenance.ts
var MANY2 = 32;
var provenance = {
  title: "Provenance",
  path: "provenance",
  show(root, context, { query }) {
    const wanted = { round: readNumber(query.get("round")), seat: query.get("seat"), of: query.get("of"), to: query.get("to") };
    const path = (ask) => {
      const asked = new URLSearchParams();
      for (const [name, value] of Object.entries(wanted)) {
        if (value !== null && value !== "") {
          asked.set(name, String(value));
        }
      }
      if (ask) {
        asked.set("ask", "1");
      }
      return `/api/provenance?${asked.toString()}`;
    };
    const form = make("div");
    const box = make("div");
    let drawn = "";
    let isFilled = false;
    const asking = new Asked(
      context,
      root,
      "what is known of the model",
      () => path(false),
      ({ state }) => state === "working" || state === "busy",
      (found) => {
        if (!isFilled) {
          isFilled = true;
          refill(form, showForm(found));
        }
        const key = JSON.stringify([found.state, found.says, found.round, found.seconds, found.account?.digest, found.account?.block]);
        if (key !== drawn) {
          drawn = key;
          showFound(box, found, context, () => void asking.ask(path(true)));
        }
      }
    );
    root.append(
      make("p", {}, "A model is the first state, and of each update a part. The account recomputes which, from chain and blobs: the same for everybody."),
      form,
      box
    );
  }
};
function showForm({ round, seat, lastRound: lastRound2, seats: seats2 }) {
  const number2 = make("input", { type: "number", id: "of-round", min: 0, max: lastRound2, value: round, required: true });
  const whose = make(
    "select",
    { id: "of-seat" },
    make("option", { value: "circle", selected: seat === null }, "the circle's model"),
    ...seats2.map((one) => make("option", { value: one, selected: one === seat }, `the base of seat ${one}`))
  );
  return make(
    "form",
    { class: "bar", on: { submit: (event) => {
      event.preventDefault();
      location.hash = address("provenance", [], { round: number2.value, seat: whose.value === "circle" ? null : whose.value });
    } } },
    make("label", { for: "of-seat" }, "Of"),
    whose,
    make("label", { for: "of-round" }, "after round"),
    number2,
    make("button", { type: "submit" }, "Choose")
  );
}
function nameModel(round, seat, context) {
  return seat === null ? `the circle's model after round ${round}` : `the base of ${seatText(context.store, seat)} after round ${round}`;
}
function showFound(box, found, context, ask) {
  if (found.account !== null) {
    refill(box, ...showAccount(found.account, context));
    context.announce("The account is made.");
    return;
  }
  const model = nameModel(found.round, found.seat, context);
  const button = make("button", { type: "button", class: "main", "data-key": "make", on: { click: ask } }, "Make the account");
  const told = {
    idle: [make("p", {}, `Nobody has asked here for the account of ${model} yet. ${found.needs} That goes on in a process of low priority; leave the page meanwhile, if you like.`), button],
    failed: [make("p", { class: "note bad" }, `There is no account of ${model}: ${found.says}.`), make("p", {}, found.needs), button],
    busy: [make("p", { class: "note" }, `${capital(found.says)}.`), button],
    working: [make("p", { class: "note", role: "status" }, make("progress", { "aria-label": "The account is being made" }), ` The account of ${model} is being made, for ${found.seconds} s so far. ${found.needs}`)],
    impossible: [make("p", { class: "note" }, `Of ${model} ${found.says}.`)]
  };
  refill(box, ...told[found.state] ?? [found.says]);
}
function showAccount(account, context) {
  const name = nameModel(account.round, account.seat, context);
  const table = shareTable(account, context);
  return [
    make("h2", {}, capital(name)),
    facts(
      ["Digest", named(account.digest, "the model's digest", shorten(account.digest, 14, 8))],
      ["Lineage", named(account.lineage, "what commits to all that it came of", shorten(account.lineage, 14, 8))],
      ["Values from", account.bases.length > 1 ? describeBases(account, context) : null],
      ["Way", `${account.length.toPrecision(4)} long, from the first state to the model`],
      ["Rounding", `${account.residual.toFixed(2)} grid units of a value at most are no update's, where up to ${account.residualBound.toFixed(2)} may be`],
      ["Made in", `${account.tookS.toFixed(1)} s, from the chain up to block ${account.block}`]
    ),
    make("h2", {}, "Shares"),
    make("p", {}, "Of the way from the first state to the model: what each seat's updates put in. Below zero, they pulled the other way. ", make("span", { class: "faint" }, "Whose data these are is not said: a seat is a key.")),
    table,
    make("h2", {}, "Influence by round"),
    drawInfluence(account.influence, context),
    make("h2", {}, "Who was mixed into whom"),
    ...showGraph(account, context),
    make("h2", {}, "Whom they reached"),
    showReached(account, context)
  ];
}
function describeBases({ bases }, context) {
  const all = bases.reduce((sum2, one) => sum2 + one.values, 0);
  const told = bases.filter((one) => one.values > 0).map((one) => `${seatText(context.store, one.seat)} ${percent(one.values / all)}`);
  const idle = bases.filter((one) => one.values === 0).map((one) => one.seat);
  return `the bases of ${told.join(", ")}${idle.length > 0 ? `, and none from ${list(idle)}` : ""}`;
}
function shareTable(account, context) {
  const most = Math.max(...account.shares.map((one) => Math.abs(one.ofTheWay)), 1e-9);
  const several = new Set(account.shares.filter((one, index) => account.shares.findIndex((other) => other.seat === one.seat) !== index).map((one) => one.seat));
  const table = new Table(
    [
      { title: "Seat", value: (one) => one.seat, cell: (one) => make("span", {}, seatLink(context.store, one.seat), several.has(one.seat) ? `, holder ${one.tenure}` : ""), isNumber: true },
      { title: "Of the way", value: (one) => one.ofTheWay, cell: (one) => showBar(one.ofTheWay, most), isNumber: true },
      { title: "Updates in it", value: (one) => one.updates, isNumber: true },
      { title: "Coefficients", value: (one) => one.coefficient, cell: (one) => one.coefficient.toFixed(4), isNumber: true, hint: "Of all its updates in the model, added up" },
      { title: "Put in", value: (one) => one.putIn, cell: (one) => one.putIn.toPrecision(4), isNumber: true, hint: "How long all its steps together are" },
      { title: "Peer", value: (one) => one.peer, cell: (one) => named(one.peer, "the address", shorten(one.peer)) }
    ],
    { caption: "Shares of the model", key: (one) => `${one.seat} ${one.tenure}`, noun: "author", empty: "No update is in it: it is the first state.", first: MANY2, sortBy: "Of the way" }
  );
  table.update(account.shares);
  return make("div", {}, table.element, make("p", { class: "faint" }, `Together ${percent(1 - account.leftOver, 4)}: what is off 100 % is rounding.`));
}
function showBar(share2, most) {
  const bar = make("span", { class: share2 < 0 ? "share back" : "share" });
  bar.style.setProperty("--part", String(Math.abs(share2) / most));
  return make("span", { class: "barred" }, bar, make("span", {}, percent(share2)));
}
function showGraph(account, context) {
  const { graph } = account;
  if (graph.nodes.length === 0) {
    return [make("p", {}, "There is nothing to draw: the model is the first state.")];
  }
  const go = (changes) => {
    const query = { round: account.round, seat: account.seat, of: graph.of, to: graph.last, ...changes };
    return address("provenance", [], query);
  };
  const width = graph.last - graph.first + 1;
  const everySeat = [...new Set(account.influence.rows.map((row) => row.seat))];
  const chooser = make(
    "select",
    { id: "way-of", on: { change: () => {
      location.hash = go({ of: chooser.value === "" ? null : chooser.value });
    } } },
    make("option", { value: "", selected: graph.of === null }, "all seats"),
    ...everySeat.map((seat) => make("option", { value: seat, selected: seat === graph.of }, seatText(context.store, seat)))
  );
  const told = graph.seatsLeft > 0 ? `Drawn is seat ${graph.of} with the ${graph.seats.length - 1} seats that most went to and fro between; ${graph.seatsLeft} others are left out. ` : "";
  return [
    make("p", {}, `Rounds ${graph.first} to ${graph.last} of ${account.round}. ${told}A circle is an update, the larger the more of it is in the model, hollow where nothing is. A line is as wide as the part of the next base that it is. Arrow keys go from update to update.`),
    make(
      "div",
      { class: "bar" },
      graph.first > 1 ? make("a", { href: go({ to: graph.first - 1 }), "data-key": "earlier" }, "← earlier rounds") : null,
      graph.last < account.round ? make("a", { href: go({ to: Math.min(account.round, graph.last + width) }), "data-key": "later" }, "later rounds →") : null,
      make("label", { for: "way-of" }, "Mark the way of"),
      chooser
    ),
    drawGraph(graph, context),
    listEdges(graph, context)
  ];
}
function showReached(account, context) {
  const rows = Object.entries(account.reached).map(([seat, from]) => ({ seat: Number(seat), from }));
  const describe6 = (from) => {
    const rounds2 = [...new Set(Object.values(from))].sort((a, b) => a - b);
    return rounds2.map((round) => `${list(Object.keys(from).filter((seat) => from[seat] === round).map(Number))} from round ${round}`).join("; ") || "nobody's";
  };
  const table = new Table(
    [
      { title: "Seat", value: (row) => row.seat, cell: (row) => seatLink(context.store, row.seat), isNumber: true },
      { title: "Bases reached", value: (row) => Object.keys(row.from).length, isNumber: true },
      { title: "Whose base has a part of its updates", value: (row) => describe6(row.from) }
    ],
    { caption: "Whose base each seat's updates reached, and from which round on", key: (row) => row.seat, noun: "seat", empty: "Nobody published anything." }
  );
  table.update(rows);
  const shown = rows.length > MANY2 ? make("details", {}, make("summary", { "data-key": "reached" }, `Of all ${count(rows.length, "seat")}`), table.element) : table.element;
  return make("div", {}, shown, make("p", { class: "faint" }, `${count(account.mixings, "mixing")} lie on the longest way.`));
}

// src/views/reputation.ts
var FULL = 65535;
var POINTS = 1e3;
var MANY3 = 48;
var POINTS_OF_MANY = 300;
var FIRST = 2;
var SETTLE_MS = 150;
var reputation = {
  title: "Reputation",
  path: "reputation",
  async show(root, context, { query }) {
    const { floor } = context.circle;
    root.append(make("p", {}, `A seat's reputation lies between 0 and 1 and follows from the verdicts on its updates; here it is shown as each round opens. Below the floor of ${floor.toFixed(3)} it is quarantined: others mix it in no more.`));
    const seats2 = await context.seats();
    if (seats2.length === 0) {
      root.append(make("p", {}, "Nobody has a seat yet."));
      return;
    }
    const named2 = query.get("seats");
    const chosen2 = new Set(named2 === null ? lowest(seats2) : named2.split(",").filter((part) => /^\d{1,3}$/.test(part)).map(Number));
    let range = null;
    let settling;
    const plot = new Plot({
      label: "Reputation of the chosen seats as each round opens, and the least, the median and the most of all",
      xLabel: "round",
      yLabel: "reputation",
      height: 380,
      range: [0, 1],
      format: (value) => value.toFixed(3),
      floor: { value: floor, label: `floor ${floor.toFixed(3)}` },
      onZoom: (to) => {
        range = to;
        clearTimeout(settling);
        settling = setTimeout(() => void refresh(), SETTLE_MS);
      }
    }, context.signal);
    const picker = makePicker(seats2, chosen2, () => {
      replaceAddress(address("reputation", [], { seats: [...chosen2].sort((a, b) => a - b).join(",") }));
      void refresh();
    });
    root.append(picker);
    const refresh = context.follow(root, () => context.get(pathOf2(chosen2, range)), (box, value) => {
      if (value.rounds.length === 0) {
        refill(box, make("p", {}, "No round is settled yet, so every reputation is the one it began with."));
        return;
      }
      if (!plot.element.isConnected) {
        refill(box, plot.element);
      }
      const lines = [
        { label: "least of all", values: scaled(value.band.least), colour: "grey", width: 1 },
        { label: "most of all", values: scaled(value.band.most), colour: "grey", width: 1, isBand: true },
        { label: "median of all", values: scaled(value.band.median), colour: "ink", width: 2, dash: [2, 2] }
      ];
      const shown = Object.keys(value.seats).map(Number).filter((seat) => chosen2.has(seat)).sort((a, b) => a - b);
      shown.forEach((seat, index) => {
        const line = { label: seatText(context.store, seat), values: scaled(value.seats[seat] ?? []) };
        const style = lineStyle(index);
        lines.push(shown.length <= 8 ? { ...line, ...style } : { ...line, colour: style.colour, dash: [], width: 1 });
      });
      plot.update(value.rounds, lines, [1, Math.max(1, lastOf(value, range, context.now.round))]);
    }, "the reputations");
  }
};
var wholeLast = 1;
function lastOf(value, range, round) {
  if (range === null) {
    wholeLast = value.rounds.at(-1) ?? round;
  }
  return Math.max(wholeLast, value.rounds.at(-1) ?? 1);
}
function lowest(seats2) {
  return [...seats2].sort((a, b) => a.reputation - b.reputation).slice(0, FIRST).map(({ seat }) => seat);
}
function scaled(values) {
  return values.map((value) => value === null ? null : value / FULL);
}
function pathOf2(chosen2, range) {
  const asked = new URLSearchParams({ points: String(chosen2.size > MANY3 ? POINTS_OF_MANY : POINTS) });
  asked.set("seats", chosen2.size === 0 ? "0" : [...chosen2].sort((a, b) => a - b).join(","));
  if (range !== null) {
    asked.set("from", String(Math.max(1, Math.floor(range[0]) - 1)));
    asked.set("to", String(Math.ceil(range[1]) + 1));
  }
  return `/api/reputations?${asked.toString()}`;
}
function makePicker(seats2, chosen2, changed) {
  const summary = make("summary");
  const boxes = /* @__PURE__ */ new Map();
  const tell = () => {
    refill(summary, `Seats shown: ${list([...chosen2], "none", 12)} of ${count(seats2.length, "seat")}`);
    for (const [seat, box] of boxes) {
      box.checked = chosen2.has(seat);
    }
  };
  const choose = (which) => {
    chosen2.clear();
    which.forEach(({ seat }) => chosen2.add(seat));
    tell();
    changed();
  };
  const button = (says, which) => make("button", { type: "button", on: { click: () => choose(which()) } }, says);
  const options = seats2.map((row) => {
    const { seat } = row;
    const box = make("input", { type: "checkbox", on: { change: () => {
      if (box.checked) {
        chosen2.add(seat);
      } else {
        chosen2.delete(seat);
      }
      tell();
      changed();
    } } });
    boxes.set(seat, box);
    return make("label", {}, box, ` ${seat}`, chosenName(row));
  });
  const ranked = () => [...seats2].sort((a, b) => a.reputation - b.reputation);
  tell();
  return make(
    "details",
    { class: "picker" },
    summary,
    make(
      "div",
      { class: "bar" },
      button("None", () => []),
      button("The lowest four", () => ranked().slice(0, 4)),
      button("The highest four", () => ranked().slice(-4)),
      button("Quarantined", () => seats2.filter(({ standing: standing2 }) => standing2.some((word) => word.startsWith("quarantined")))),
      button("All", () => seats2)
    ),
    make("fieldset", { class: seats2.length > 32 ? "boxes many" : "boxes" }, make("legend", { class: "unseen" }, "Seats"), ...options)
  );
}

// src/timeline.ts
var WIDTH = 720;
var LANE = 26;
var LEFT3 = 118;
var RIGHT = 14;
var SIGNS3 = {
  opened: { colour: "ink", sign: "bar" },
  committed: { colour: "blue", sign: "dot" },
  drawn: { colour: "ink", sign: "bar" },
  attested: { colour: "green", sign: "square" },
  settled: { colour: "ink", sign: "bar" }
};
var OTHER = { colour: "orange", sign: "dot" };
function drawTimeline(events) {
  const drawn = placeInTime(events);
  if (drawn.length < 2) {
    return null;
  }
  const from = Math.min(...drawn.map(({ atS }) => atS));
  const to = Math.max(...drawn.map(({ atS }) => atS), from + 1);
  const kinds = [...new Set(drawn.map(({ event }) => event.kind))];
  const place2 = (atS) => LEFT3 + (atS - from) / Math.max(to - from, 1) * (WIDTH - LEFT3 - RIGHT);
  const height = kinds.length * LANE + 30;
  const words = kinds.map((kind) => `${kind}: ${drawn.filter(({ event }) => event.kind === kind).length}`).join(", ");
  const picture = draw("svg", {
    class: "timeline",
    viewBox: `0 0 ${WIDTH} ${height}`,
    role: "img",
    "aria-label": `Events from ${clock(from)} to ${clock(to)}: ${words}`
  });
  kinds.forEach((kind, lane) => {
    const y = lane * LANE + LANE / 2;
    const { colour: colour2, sign } = SIGNS3[kind] ?? OTHER;
    picture.append(
      draw("line", { x1: LEFT3, x2: WIDTH - RIGHT, y1: y, y2: y, class: "lane" }),
      draw("text", { x: LEFT3 - 10, y: y + 4, "text-anchor": "end" }, kind)
    );
    for (const [atS, several] of groupByTime(drawn.filter(({ event }) => event.kind === kind))) {
      picture.append(mark(place2(atS), y, sign, colour2, several, atS - from));
    }
  });
  const foot = kinds.length * LANE + 18;
  picture.append(
    draw("text", { x: LEFT3, y: foot, class: "faint" }, clock(from)),
    draw("text", { x: WIDTH - RIGHT, y: foot, class: "faint", "text-anchor": "end" }, `${clock(to)}, ${span(to - from)} later`)
  );
  const isGuessed = drawn.some(({ event }) => event.timeS === null);
  return make(
    "div",
    {},
    make("div", { class: "timeline-place", tabindex: "0", role: "region", "aria-label": "Events as a picture" }, picture),
    isGuessed ? make("p", { class: "faint" }, "Hollow marks stand in the order of their blocks, between the nearest times that are known: of these blocks the time is not to be had here.") : null
  );
}
function placeInTime(events) {
  const gaps = /* @__PURE__ */ new Map();
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
    return [{ event, atS: before + (after - before) * (gap.indexOf(block) + 1) / (gap.length + 1) }];
  });
}
function groupByTime(drawn) {
  const groups = /* @__PURE__ */ new Map();
  for (const { atS, event } of drawn) {
    groups.set(atS, [...groups.get(atS) ?? [], event]);
  }
  return groups;
}
function mark(x, y, sign, colour2, events, afterS) {
  const isGuessed = events.some(({ timeS }) => timeS === null);
  const kind = `event ${colour2}${isGuessed ? " hollow" : ""}`;
  const size = Math.min(10, 4 + Math.sqrt(events.length));
  const shape2 = sign === "dot" ? draw("circle", { cx: x, cy: y, r: size, class: kind }) : sign === "square" ? draw("rect", { x: x - size, y: y - size, width: 2 * size, height: 2 * size, class: kind }) : draw("rect", { x: x - 2, y: y - 9, width: 4, height: 18, class: kind });
  const seats2 = events.map(({ seat }) => seat).filter((seat) => seat !== null);
  const who = seats2.length === 0 ? events[0]?.says ?? "" : seats2.length > 6 ? count(seats2.length, "seat") : `seat ${seats2.join(", ")}`;
  shape2.append(draw("title", {}, isGuessed && events[0] ? `${who}, ${when(events[0])}` : `${who}, ${span(afterS)} after the first`));
  return shape2;
}

// src/views/rounds.ts
var rounds = {
  title: "Rounds",
  path: "rounds",
  show(root, context, parameters) {
    let number2 = chosen(parameters.rest[0], context);
    const overview = make("section", { "aria-label": "All rounds" });
    const detail = make("section", { "aria-label": "One round" });
    root.append(overview, detail);
    showOverview(overview, context, (picked) => {
      location.hash = address("rounds", [picked]);
    });
    const box = make("input", { type: "number", min: 1, id: "round-number", inputmode: "numeric" });
    let aim = number2;
    const go = (to) => {
      if (to >= 1 && to <= newest(context) && to !== aim) {
        aim = to;
        location.hash = address("rounds", [to]);
      }
    };
    const before = make("button", { type: "button", on: { click: () => go(aim - 1) } }, "← Before");
    const after = make("button", { type: "button", on: { click: () => go(aim + 1) } }, "After →");
    const form = make(
      "form",
      { class: "bar", on: { submit: (event) => {
        event.preventDefault();
        go(Number(box.value));
      } } },
      before,
      make("label", { for: "round-number" }, "Round"),
      box,
      make("button", {}, "Show"),
      after
    );
    const body = make("div");
    const heading = make("h2");
    detail.append(heading, form, body);
    const press = (event) => {
      if (!isWriting(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey) {
        if (event.key === "ArrowLeft") {
          go(aim - 1);
        } else if (event.key === "ArrowRight") {
          go(aim + 1);
        }
      }
    };
    addEventListener("keydown", press, { signal: context.signal });
    const one = new OneRound(context);
    const tell = () => {
      say(heading, number2 === 0 ? "No round yet" : `Round ${number2}`);
      box.value = String(number2);
      box.max = String(newest(context));
      before.disabled = number2 <= 1;
      after.disabled = number2 >= newest(context);
    };
    tell();
    context.whenChanged(tell);
    if (newest(context) === 0) {
      form.hidden = true;
      body.append(make("p", {}, "Round 1 opens once enough peers have joined."));
      context.whenChanged((state) => {
        if (state.round > 0) {
          location.hash = address("rounds", [1]);
        }
      });
      return;
    }
    const refresh = context.follow(body, async () => {
      await context.seats();
      return context.get(`/api/rounds/${number2}`);
    }, (place2, round) => one.show(place2, round), "the round");
    return ({ rest }) => {
      number2 = aim = chosen(rest[0], context);
      tell();
      context.announce(`Round ${number2}`);
      void refresh();
      return true;
    };
  }
};
function newest({ now: now2 }) {
  return now2.round;
}
function chosen(part, context) {
  const { round, phase } = context.now;
  return readNumber(part) ?? (phase === "finished" ? round : Math.max(1, round - 1));
}
function showOverview(root, context, pick) {
  const plot = new Plot({
    label: "Verdicts in each round: accepted, rejected and not given",
    xLabel: "round",
    yLabel: "verdicts",
    height: 220,
    onPick: pick
  }, context.signal);
  const note = make("p", { class: "faint" }, "Click a round in the picture to see it below.");
  context.follow(root, () => context.get("/api/rounds"), (box, all) => {
    if (all.number.length === 0) {
      refill(box, make("p", {}, "No round has opened yet."));
      return;
    }
    if (!plot.element.isConnected) {
      refill(box, plot.element, note);
    }
    const { round, phase } = context.now;
    const whole = (values) => values.map((value, at) => all.number[at] === round && phase !== "finished" ? null : value);
    plot.update(all.number, [
      { label: "accepted", values: whole(all.accepted), colour: "blue" },
      { label: "rejected", values: whole(all.rejected), colour: "orange", dash: [8, 4] },
      { label: "no verdict", values: whole(all.unjudged), colour: "grey", dash: [2, 3] }
    ]);
  }, "the rounds");
}
var OneRound = class {
  #context;
  #facts = make("p");
  #matrix;
  #matrixKey = make("p", { class: "key" });
  #noVerdicts = make("p", {}, "Nobody has attested in this round yet.");
  #matrixTable;
  #judges;
  #picture = make("div");
  #events;
  #commits;
  #place = null;
  constructor(context) {
    this.#context = context;
    const { store } = context;
    this.#matrix = new Matrix({
      label: "Who accepted whom: a row for each judge, a column for each author",
      read: (judge, author, verdict) => read(seatText(store, judge), seatText(store, author), judge === author, verdict),
      onPick: (judge, author) => {
        location.hash = judge === author ? address("seats", [author]) : address("distances", [judge, author]);
      }
    }, context.signal);
    this.#matrixTable = new Table([
      { title: "Judge", value: (row) => row.judge, cell: (row) => seatLink(store, row.judge) },
      { title: "Accepted", value: (row) => row.accepted.length, cell: (row) => list(row.accepted) },
      { title: "Rejected", value: (row) => row.rejected.length, cell: (row) => list(row.rejected) },
      { title: "No verdict", value: (row) => row.unjudged.length, cell: (row) => list(row.unjudged) }
    ], { caption: "Verdicts by judge", key: (row) => row.judge, noun: "judge", empty: "Nobody has attested yet.", first: 20 });
    this.#commits = new Table([
      { title: "Seat", value: (row) => row.seat, cell: (row) => seatLink(store, row.seat) },
      { title: "Digest", value: (row) => row.digest, cell: (row) => named(row.digest, `the digest of seat ${row.seat}`, shorten(row.digest)) },
      { title: "CID", value: (row) => row.cid, cell: (row) => named(row.cid, `the CID of seat ${row.seat}`, shorten(row.cid, 10, 6)) },
      { title: "Block", value: (row) => row.block, isNumber: true },
      { title: "Time", value: whenOrder, cell: (row) => when(row) },
      { title: "Transaction", value: (row) => row.tx, cell: (row) => row.tx === null ? "–" : named(row.tx, "the transaction", shorten(row.tx)) }
    ], { caption: "Updates committed", key: (row) => row.seat, noun: "update", empty: "Nobody has committed yet.", canFilter: true, first: 20 });
    this.#judges = new Table([
      { title: "Judge", value: (row) => row.judge, cell: (row) => seatLink(store, row.judge) },
      { title: "Record's digest", value: (row) => row.record?.digest ?? null, cell: (row) => row.record ? named(row.record.digest, `the digest of the record of seat ${row.judge}`, shorten(row.record.digest)) : "–" },
      { title: "Record's CID", value: (row) => row.record?.cid ?? null, cell: (row) => row.record ? named(row.record.cid, `the CID of the record of seat ${row.judge}`, shorten(row.record.cid, 10, 6)) : "–" },
      { title: "Block", value: (row) => row.block, isNumber: true },
      { title: "Time", value: whenOrder, cell: (row) => when(row) },
      { title: "Transaction", value: (row) => row.tx, cell: (row) => row.tx === null ? "–" : named(row.tx, "the transaction", shorten(row.tx)) }
    ], { caption: "Verdicts attested", key: (row) => row.judge, noun: "attestation", empty: "Nobody has attested yet.", canFilter: true, first: 20 });
    this.#events = new Table([
      { title: "Time", value: whenOrder, cell: (row) => when(row) },
      { title: "Event", value: (row) => row.kind },
      { title: "Seat", value: (row) => row.seat, cell: (row) => row.seat === null ? "–" : seatLink(store, row.seat) },
      { title: "What", value: (row) => row.says, cell: (row) => make("bdi", {}, row.says) },
      { title: "Block", value: (row) => row.block, isNumber: true },
      { title: "Transaction", value: (row) => row.tx, cell: (row) => row.tx === null ? "–" : named(row.tx, "the transaction", shorten(row.tx)) }
    ], { caption: "Events of the round", key: (row) => row.index, noun: "event", empty: "Nothing has happened yet.", canFilter: true, first: 20 });
  }
  show(place2, round) {
    if (this.#place !== place2) {
      this.#place = place2;
      const asTable2 = make("details", {}, make("summary", {}, "The same as a table"), this.#matrixTable.element);
      refill(
        place2,
        this.#facts,
        make("h3", {}, "Who accepted whom"),
        this.#noVerdicts,
        this.#matrixKey,
        this.#matrix.element,
        asTable2,
        make("h3", {}, "What happened when"),
        this.#picture,
        this.#events.element,
        make("h3", {}, "Updates committed"),
        this.#commits.element,
        make("h3", {}, "Verdicts attested"),
        this.#judges.element
      );
    }
    refill(this.#facts, ...describe4(round));
    const { seats: seats2, verdicts } = readVerdicts(round);
    const isEmpty = round.judges.length === 0;
    this.#noVerdicts.hidden = !isEmpty;
    this.#matrix.element.hidden = this.#matrixKey.hidden = isEmpty;
    refill(this.#matrixKey, ...keyOf(verdicts));
    this.#matrix.update(seats2, seats2, verdicts);
    this.#matrixTable.update(round.judges);
    refill(this.#picture, drawTimeline(round.timeline));
    this.#events.update(round.timeline.map((event, index) => ({ ...event, index })));
    this.#commits.update(round.commits);
    this.#judges.update(round.judges);
    const missing = round.roster.filter((seat) => !round.commits.some((commit) => commit.seat === seat));
    if (missing.length > 0) {
      this.#facts.append(" Without an update: ", missing.length > 12 ? list(missing, "", 12) : seatLinks(this.#context.store, missing), ".");
    }
  }
};
function describe4(round) {
  const { openedAtS, settledAtS } = round.phaseTimes;
  const took = typeof openedAtS === "number" && typeof settledAtS === "number" ? `, settled ${span(settledAtS - openedAtS)} later` : "";
  const opened = typeof openedAtS === "number" ? `Opened ${moment(openedAtS)}${took}. ` : "";
  const said = `${opened}${round.commits.length} of ${count(round.roster.length, "seat")} on the roster committed, ${round.judges.length} attested. `;
  return round.seed === null ? [said, "Who judges whom is not drawn yet."] : [said, "Seed of the draw: ", named(round.seed, "the seed", shorten(round.seed)), "."];
}
function keyOf(verdicts) {
  const signs = [["accepted", "✓", "accepted"], ["rejected", "✕", "rejected"], ["unjudged", "·", "drawn, no verdict"]];
  const all = [...verdicts.values()];
  return signs.map(([kind, sign, says]) => make("span", {}, make("span", { class: `swatch ${kind}`, "aria-hidden": "true" }, sign), ` ${says}: ${all.filter((one) => one === kind).length}`));
}
function read(judge, author, isSelf, verdict) {
  if (isSelf) {
    return `${judge} does not judge itself.`;
  }
  const words = { accepted: "accepted", rejected: "rejected", unjudged: "gave no verdict on" };
  return verdict === null ? `${judge} was not drawn to judge ${author}.` : `${judge} ${words[verdict]} ${author}.`;
}

// src/views/search.ts
var KINDS2 = {
  seat: "seat",
  round: "round",
  cid: "content",
  address: "address",
  name: "self-chosen name"
};
var search = {
  title: "Search",
  path: "search",
  hidden: true,
  show(root, context, { query }) {
    const asked = (query.get("q") ?? "").trim();
    if (asked === "") {
      root.append(make("p", {}, "Type a seat, a round, a CID, a digest, an address or a name into the box above. The key / goes there."));
      return;
    }
    root.append(make("p", {}, "For ", make("q", {}, asked), ":"));
    context.follow(
      root,
      () => context.get(`/api/search?q=${encodeURIComponent(asked)}`),
      (box, hits) => {
        const found = hits.length === 0 ? make("p", {}, "Nothing in this circle has that. Whole numbers find seats and rounds, digests and CIDs what they name; of addresses the beginning is enough.") : make("ul", { class: "hits" }, ...hits.map(showHit));
        refill(box, found);
        context.announce(hits.length === 0 ? "Nothing found." : `${count(hits.length, "result")}.`);
      },
      "what was found"
    );
  }
};
function showHit(hit, index) {
  const label = make("bdi", {}, hit.label);
  const link = hit.href.startsWith("#/") ? make("a", { href: hit.href, "data-key": `hit ${index}` }, label) : label;
  return make("li", {}, make("span", { class: "kind" }, KINDS2[hit.kind] ?? hit.kind), " ", link);
}

// src/exclusion.ts
function showExclusion(root, context, seat) {
  const box = make("div");
  let drawn = "";
  new Asked(context, root, "why the seat stands as it does", () => `/api/exclusion/${seat}`, () => false, (found) => {
    const key = JSON.stringify(found);
    if (key !== drawn) {
      drawn = key;
      refill(box, ...describe5(found));
    }
  });
  root.append(box);
}
function describe5(found) {
  const told = found.steps.filter((step2) => step2.kind !== "joined" || step2.round > 0);
  return [
    make("p", { class: found.isExcluded ? "headline unclean" : "lead" }, found.isExcluded ? make("span", { class: "sign", "aria-hidden": "true" }, "✕ ") : null, found.says),
    told.length === 0 ? make("p", {}, "It was never quarantined, suspended, ejected or convicted.") : listSteps(told, (step2) => step2.isExcluding ? "bad" : "", (step2) => step2.says),
    ...found.disputes.map((one) => make(
      "p",
      {},
      make("span", { class: "sign", "aria-hidden": "true" }, one.upheld ? "✕ " : "· "),
      one.says,
      " ",
      make("a", { href: address("disputes", [one.dispute]), "data-key": `about ${one.dispute}` }, "How it went")
    )),
    ...describeFindings(found),
    ...found.record.length > 0 ? [recordTable(found)] : []
  ];
}
function describeFindings({ seat, findings: findings2 }) {
  if (findings2 === null) {
    return [make("p", { class: "faint" }, "No audit has ended behind this page yet.")];
  }
  if (findings2.groups.length === 0) {
    return [make("p", {}, `The audit found nothing about this seat, up to block ${findings2.upToBlock}.`)];
  }
  return [
    make("p", {}, `The audit says of it, up to block ${findings2.upToBlock}:`),
    make("ul", {}, ...findings2.groups.map((group) => make(
      "li",
      {},
      make("span", { class: "tag" }, group.check),
      ` ${group.says}.`,
      group.fault === null ? null : ` At fault: ${group.fault}.`,
      group.peer === null ? null : " ",
      group.peer === null ? null : named(group.peer, "the address", shorten(group.peer))
    ))),
    make("p", {}, make("a", { href: address("findings", [], { seat }), "data-key": "evidence" }, "The evidence of each"))
  ];
}
function recordTable({ record }) {
  const table = new Table(
    [
      { title: "Round", value: (one) => one.round, cell: (one) => make("a", { href: address("rounds", [one.round]) }, one.round), isNumber: true },
      { title: "Accepted by", value: (one) => one.accepted.length, cell: (one) => list(one.accepted, "nobody") },
      { title: "Rejected by", value: (one) => one.rejected.length, cell: (one) => list(one.rejected, "nobody") },
      { title: "Attested", value: (one) => one.attested ? "yes" : "no" },
      { title: "Reputation after it", value: (one) => one.reputation, cell: (one) => share(one.reputation), isNumber: true }
    ],
    { caption: "Who judged it how", key: (one) => one.round, noun: "round", empty: "It was never judged." }
  );
  table.update([...record].reverse());
  return make("details", {}, make("summary", { "data-key": "record" }, "Who judged it how, round by round"), table.element);
}

// src/views/seats.ts
var seats = {
  title: "Seats",
  path: "seats",
  show(root, context, { rest }) {
    if (rest.length === 0) {
      showAll2(root, context);
      return;
    }
    const seat = readNumber(rest[0]);
    root.append(make("p", {}, make("a", { href: address("seats") }, "← All seats")));
    if (seat === null) {
      root.append(make("p", { class: "note bad" }, "A seat is named by a whole number, such as #/seats/3."));
      return;
    }
    showOne(root, context, seat);
  }
};
function showAll2(root, context) {
  root.append(make("p", { class: "faint" }, "Names in quotes are those the seats chose for themselves; nobody checked them. The address is what counts."));
  const table = new Table([
    { title: "Seat", value: (row) => row.seat, cell: (row) => make("a", { href: address("seats", [row.seat]) }, row.seat) },
    { title: "Name", hint: "Self-chosen", value: (row) => row.name, cell: (row) => chosenName(row) ?? "–" },
    { title: "Reputation", isNumber: true, value: (row) => row.reputation, cell: (row) => share(row.reputation) },
    { title: "Standing", value: (row) => standing(row) },
    { title: "This round", value: (row) => thisRound(row, context.now) },
    { title: "Last round", hint: "What its judges said of its update", value: (row) => row.lastRound?.accepted ?? null, cell: (row) => make("span", { class: "whole" }, lastRound(row)) },
    { title: "Peer", value: (row) => row.peer, cell: (row) => named(row.peer, `the address of seat ${row.seat}`, shorten(row.peer)) },
    { title: "Endpoint", value: (row) => row.endpoint, cell: (row) => make("bdi", { class: "endpoint" }, row.endpoint) }
  ], { caption: "Seats", key: (row) => row.seat, noun: "seat", empty: "Nobody has a seat yet: `folkmoot node` takes one.", canFilter: true });
  context.follow(root, () => context.seats(), (box, found) => {
    if (!table.element.isConnected) {
      box.append(table.element);
    }
    table.update(found);
  }, "the seats");
}
function standing(row) {
  return row.standing.join(", ") || (row.state === "held" ? "good" : row.state);
}
function thisRound(row, { waitedFor }) {
  const done = row.attested ? "attested" : row.committed ? "committed" : "";
  return [done, waitedFor.includes(row.seat) ? "waited for" : ""].filter((word) => word !== "").join(", ") || "–";
}
function lastRound({ lastRound: last }) {
  if (last === null) {
    return "–";
  }
  return last.committed ? `${last.accepted} of ${last.accepted + last.rejected + last.unjudged} accepted` : "no update";
}
function showOne(root, context, seat) {
  const plot = new Plot({
    label: `Verdicts on seat ${seat} in each round`,
    xLabel: "round",
    yLabel: "verdicts",
    height: 220,
    onPick: (number2) => {
      location.hash = address("rounds", [number2]);
    }
  }, context.signal);
  const life = new Table([
    { title: "Time", value: whenOrder, cell: (row) => when(row, moment) },
    { title: "Event", value: (row) => row.kind },
    { title: "What", value: (row) => row.says, cell: (row) => make("bdi", {}, row.says) },
    { title: "Block", value: (row) => row.block, isNumber: true },
    { title: "Transaction", value: (row) => row.tx, cell: (row) => row.tx === null ? "–" : named(row.tx, "the transaction", shorten(row.tx)) }
  ], { caption: `Life of seat ${seat}`, key: (row) => row.index, noun: "event", empty: "Nothing is known of its life." });
  const known = make("div");
  const judged = make("div");
  const judges = make("p");
  const parts = make("div", {}, known, make("h2", {}, "Verdicts on its updates"), judged, judges, make("h2", {}, "Its life in the circle"), life.element);
  context.follow(root, async () => {
    await context.seats();
    return context.get(`/api/seats/${seat}`);
  }, (box, value) => {
    if (!parts.isConnected) {
      box.append(parts);
    }
    fillFacts(known, value);
    if (value.rounds.number.length === 0) {
      refill(judged, make("p", {}, "No update of this seat has been judged yet."));
    } else {
      if (!plot.element.isConnected) {
        refill(judged, plot.element);
      }
      plot.update(value.rounds.number, [
        { label: "accepted", values: value.rounds.accepted, colour: "blue" },
        { label: "rejected", values: value.rounds.rejected, colour: "orange", dash: [8, 4] },
        { label: "no verdict", values: value.rounds.silent, colour: "grey", dash: [2, 3] }
      ]);
    }
    refill(judges, "Judged so far by ", seatLinks(context.store, value.judgedBy, "nobody"), ".");
    life.update(value.life.map((event, index) => ({ ...event, index })));
  }, `seat ${seat}`);
  root.append(make("h2", {}, "Why it stands as it does"));
  showExclusion(root, context, seat);
}
function fillFacts(place2, seat) {
  const rows = [
    ["Name", seat.name ? make("span", {}, chosenName(seat), make("span", { class: "faint" }, " (self-chosen, not checked)")) : "none chosen"],
    ["Reputation", make("a", { href: address("reputation", [], { seats: seat.seat }), "data-key": "reputation" }, share(seat.reputation))],
    ["Standing", standing(seat)],
    ["Last round", lastRound(seat)],
    ["Peer", named(seat.peer, "the peer's address", seat.peer)],
    ["Cold key", seat.cold ? named(seat.cold, "the cold key's address", seat.cold) : "–"],
    ["Endpoint", make("bdi", {}, seat.endpoint || "–")]
  ];
  const notices = seat.notices.length === 0 ? null : make("ul", { class: "notices" }, ...seat.notices.map(({ says }) => make("li", {}, make("bdi", {}, sentence(says)))));
  refill(
    place2,
    make("h2", {}, `Seat ${seat.seat}`, chosenName(seat)),
    facts(...rows),
    notices === null ? null : make("h3", {}, count(seat.notices.length, "notice")),
    notices
  );
}

// src/views/index.ts
var VIEWS = [
  now,
  rounds,
  reputation,
  seats,
  distances,
  figures,
  costs,
  privacy,
  findings,
  disputes,
  provenance,
  search
];

// src/shell.ts
var LINES = {
  connecting: "connecting",
  up: "connected",
  down: "connection lost"
};
var QUIET_MS = 200;
var Shell = class {
  #store;
  #header = make("header", { class: "top" });
  #links = make("ul");
  #nav = make("nav", { "aria-label": "Views", id: "views" }, this.#links);
  #menu = make("button", {
    type: "button",
    class: "menu",
    "aria-controls": "views",
    "aria-expanded": "false",
    on: { click: () => this.#openMenu(this.#menu.getAttribute("aria-expanded") !== "true") }
  }, "Views");
  #where = make("p", { class: "where" });
  #round = make("strong");
  #phase = make("span", { class: "phase" });
  #left = make("span", { class: "left" });
  #line = make("span", { class: "line connecting" }, LINES.connecting);
  #banner = make("p", { class: "banner", role: "status", hidden: true });
  #told = make("p", { class: "unseen", "aria-live": "polite" });
  #main = make("main", { id: "main", tabindex: "-1" });
  #search = make("input", {
    type: "search",
    name: "q",
    id: "search",
    maxlength: 128,
    autocomplete: "off",
    placeholder: "Seat, round, CID, address, name"
  });
  #view = null;
  #change = null;
  #leave = new AbortController();
  #lineState = "connecting";
  #lostS = 0;
  constructor(store) {
    this.#store = store;
  }
  /** Fill the body, show the view that the address names, and go on by itself. */
  open(body) {
    this.#fillHeader();
    const skip = make("a", { class: "skip", href: "#main", on: { click: (event) => this.#skip(event) } }, "Skip to the content");
    refill(body, skip, this.#header, this.#banner, this.#main, this.#told, footer(this.#store));
    const forever = new AbortController().signal;
    this.#store.listen((now2) => this.#tell(now2), forever);
    setInterval(() => this.#tick(), 500);
    addEventListener("hashchange", () => this.#go(true));
    addEventListener("keydown", (event) => this.#press(event));
    this.#tick();
    this.#go(false);
    void this.#store.seats(forever).catch(() => void 0);
  }
  tellLine(line) {
    if (line !== this.#lineState) {
      this.#lineState = line;
      this.#lostS = line === "down" ? Date.now() / 1e3 : 0;
      this.#line.className = `line ${line}`;
      this.#tick();
    }
  }
  #fillHeader() {
    const { circle } = this.#store;
    const form = make(
      "form",
      { role: "search", on: { submit: (event) => this.#find(event) } },
      make("label", { class: "unseen", for: "search" }, "Search the circle"),
      this.#search,
      make("kbd", { "aria-hidden": "true", title: "Press / to search" }, "/")
    );
    refill(
      this.#where,
      make("span", { class: "task" }, circle.task.startsWith("0x") ? shorten(circle.task) : circle.task),
      " ",
      make("code", { title: circle.contract }, shorten(circle.contract)),
      copyButton(circle.contract, "the circle's address")
    );
    for (const view of VIEWS) {
      if (!view.hidden && view.isFor?.(circle) !== false) {
        this.#links.append(make("li", {}, make("a", { href: address(view.path) }, view.title)));
      }
    }
    this.#header.append(
      make("a", { class: "brand", href: "#/now" }, "Folkmoot"),
      this.#where,
      make("p", { class: "state" }, this.#round, " ", this.#phase, " ", this.#left),
      this.#line,
      this.#menu,
      form,
      this.#nav
    );
  }
  #openMenu(isOpen) {
    this.#menu.setAttribute("aria-expanded", String(isOpen));
    this.#nav.classList.toggle("open", isOpen);
  }
  #tick() {
    const { circle, now: now2 } = this.#store;
    say(this.#round, now2.round === 0 ? "not begun" : `round ${now2.round} of ${circle.lastRound}`);
    say(this.#phase, now2.phase);
    say(this.#left, describeLeft(now2));
    const { state } = now2.following;
    const isBundle = circle.source.kind === "bundle";
    say(this.#line, isBundle ? "saved bundle" : this.#lineState === "up" && state !== "live" ? state : LINES[this.#lineState]);
    this.#line.classList.toggle("stale", state === "stale");
    this.#line.classList.toggle("rests", isBundle || state === "finished");
    const told = this.#lineState === "down" ? `The line to this page's server is lost since ${clock(this.#lostS)}. What you see is as of then; it is tried again every few seconds.` : state === "stale" ? `${sentence(now2.following.says)} What you see is as of ${clock(now2.following.sinceS)}.` : "";
    say(this.#banner, told);
    this.#banner.hidden = told === "";
  }
  #tell(now2) {
    const was = this.#told.dataset["state"];
    const is = `${now2.round} ${now2.phase}`;
    if (was !== void 0 && was !== is) {
      this.#announce(`Round ${now2.round}: ${now2.phase}.`);
    }
    this.#told.dataset["state"] = is;
    this.#tick();
  }
  #announce(sentence2) {
    this.#told.textContent = sentence2;
  }
  #go(isMove) {
    const found = readAddress(location.hash);
    const view = VIEWS.find((one) => one.path === found.path) ?? (found.path === "" ? VIEWS[0] : null);
    if (view !== null && view === this.#view && this.#change?.(found) === true) {
      return;
    }
    this.#leave.abort();
    this.#leave = new AbortController();
    this.#view = view;
    this.#change = null;
    this.#openMenu(false);
    for (const link of this.#links.querySelectorAll("a")) {
      const isHere = view !== null && link.getAttribute("href") === address(view.path);
      if (isHere) {
        link.setAttribute("aria-current", "page");
      } else {
        link.removeAttribute("aria-current");
      }
    }
    document.title = view === null ? "Nothing here – Folkmoot" : `${view.title} – Folkmoot`;
    void this.#show(view, found, this.#leave.signal, isMove);
  }
  async #show(view, found, signal, isMove) {
    const root = make("div", { class: `view view-${view?.path ?? "none"}` });
    const heading = make("h1", { tabindex: "-1" }, view?.title ?? "Nothing here");
    const loading = make("p", { class: "note", role: "status", hidden: true }, "Loading…");
    root.append(heading, loading);
    refill(this.#main, root);
    if (isMove) {
      heading.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    if (view === null) {
      root.append(make("p", {}, "No view has this address. ", make("a", { href: "#/now" }, "See where the circle stands now.")));
      return;
    }
    const context = new Context(this.#store, signal, (sentence2) => this.#announce(sentence2));
    root.setAttribute("aria-busy", "true");
    const waiting = setTimeout(() => {
      loading.hidden = false;
    }, QUIET_MS);
    try {
      const change = await view.show(root, context, found);
      if (!signal.aborted && change) {
        this.#change = change;
      }
    } catch (error) {
      if (!signal.aborted) {
        console.error(error);
        const says = error instanceof Error ? error.message : String(error);
        root.append(make("p", { class: "note bad", role: "alert" }, `This view cannot be shown: ${says}`));
      }
    } finally {
      clearTimeout(waiting);
      loading.remove();
      root.removeAttribute("aria-busy");
    }
  }
  #skip(event) {
    event.preventDefault();
    this.#main.focus();
    this.#main.scrollIntoView();
  }
  #find(event) {
    event.preventDefault();
    const asked = this.#search.value.trim();
    if (asked !== "") {
      location.hash = address("search", [], { q: asked });
    }
  }
  #press(event) {
    const target = event.target;
    if (event.key === "/" && !isWriting(target) && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      this.#search.focus();
      this.#search.select();
    } else if (event.key === "Escape" && this.#menu.getAttribute("aria-expanded") === "true") {
      this.#openMenu(false);
      this.#menu.focus();
    }
  }
};
function isWriting(target) {
  return target instanceof HTMLElement && target.matches("input, select, textarea");
}
function describeLeft(now2) {
  if (now2.deadlineS === null || now2.following.state === "finished" || now2.following.state === "bundle") {
    return "";
  }
  const leftS = now2.deadlineS - Date.now() / 1e3;
  return leftS > 0 ? `${span(leftS)} left` : `deadline passed ${span(-leftS)} ago`;
}
function footer(store) {
  const { source, program } = store.circle;
  return make(
    "footer",
    {},
    make("p", {}, `${sentence(source.says)} `, make("span", { class: "faint" }, `${/\d/.test(program) ? `${program}. ` : ""}This page only reads; it loads nothing from elsewhere.`)),
    make("p", { class: "faint keys" }, make("kbd", {}, "/"), " search, ", make("kbd", {}, "←"), " ", make("kbd", {}, "→"), " the round before and after, in Rounds")
  );
}

// src/main.ts
var AGAIN_MS3 = 1e3;
async function start() {
  refill(document.body, make("p", { class: "starting", role: "status" }, "Reading the circle…"));
  let circle;
  let now2;
  try {
    [circle, now2] = await Promise.all([fetchJson("/api/circle"), fetchJson("/api/now")]);
  } catch (error) {
    if (error instanceof Refusal && error.status === 503) {
      refill(document.body, make("p", { class: "starting", role: "status" }, sentence(error.message)));
      setTimeout(() => void start(), AGAIN_MS3);
      return;
    }
    const says = error instanceof Error ? error.message : String(error);
    const again = make("button", { type: "button", on: { click: () => void start() } }, "Try again");
    refill(document.body, make("main", { class: "starting" }, make("h1", {}, "Folkmoot"), make("p", {}, says), again));
    return;
  }
  const store = new Store(circle, now2);
  const shell = new Shell(store);
  shell.open(document.body);
  followLive((next) => store.take(next), (line) => shell.tellLine(line));
}
void start();
