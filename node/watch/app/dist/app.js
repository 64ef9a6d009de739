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
  return await answer.json();
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

// src/context.ts
var KEPT = 40;
var FRESH_MS = 1e4;
var REFRESH_MS = 1e3;
var Store = class {
  constructor(circle, now2) {
    this.circle = circle;
    this.now = now2;
  }
  circle;
  now;
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
  /** Fetch, or give what this revision already gave. */
  async get(path, signal) {
    const { revision } = this.now;
    const kept2 = this.#answers.get(path);
    if (kept2?.revision === revision && performance.now() - kept2.atMs < FRESH_MS) {
      return kept2.value;
    }
    const value = await fetchJson(path, signal);
    this.#answers.delete(path);
    this.#answers.set(path, { revision, atMs: performance.now(), value });
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= KEPT) {
        break;
      }
      this.#answers.delete(oldest);
    }
    return value;
  }
  /** The last answer of a path, of whatever revision. */
  recall(path) {
    return this.#answers.get(path)?.value;
  }
  /** Every seat; notes the names that they chose. */
  async seats(signal) {
    const seats = await this.get("/api/seats", signal);
    this.names.clear();
    for (const { seat, name } of seats) {
      if (name) {
        this.names.set(seat, name);
      }
    }
    return seats;
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
  every(milliseconds, tick) {
    const timer = setInterval(tick, milliseconds);
    this.signal.addEventListener("abort", () => clearInterval(timer));
  }
  /**
   * Fetch a value, draw it into a box under `root`, and draw again when the circle changed.
   *
   * load: asks `context.get`, once or several times. draw: is given the box, which it refills or changes, and the value.
   * While it is fetched, and where it fails, a sentence says so; what was drawn before stays.
   * Returns a function that fetches and draws at once, for when what is asked for changes.
   */
  follow(root, load, draw, what) {
    const note = make("p", { class: "note", role: "status" }, `Loading ${what}…`);
    const box = make("div", { class: "followed" });
    root.append(note, box);
    let turn = 0;
    let lastMs = 0;
    let waiting;
    const refresh = async () => {
      const mine = ++turn;
      lastMs = performance.now();
      box.setAttribute("aria-busy", "true");
      try {
        const value = await load();
        if (mine === turn && !this.signal.aborted) {
          note.hidden = true;
          draw(box, value);
          box.removeAttribute("aria-busy");
        }
      } catch (error) {
        if (mine === turn && !this.signal.aborted) {
          box.removeAttribute("aria-busy");
          showFailure(note, error, box.hasChildNodes(), () => void refresh());
        }
      }
    };
    this.whenChanged(() => {
      clearTimeout(waiting);
      waiting = setTimeout(() => void refresh(), Math.max(0, lastMs + REFRESH_MS - performance.now()));
    });
    this.signal.addEventListener("abort", () => clearTimeout(waiting));
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
    says,
    hasOlder ? " What stands below is older. " : " ",
    make("button", { type: "button", "data-key": "again", on: { click: again } }, "Try again")
  );
  if (!(error instanceof Error) || error.name === "TypeError") {
    console.error(error);
  }
}

// src/live.ts
var RETRY_MS = 3e3;
var SILENCE_MS = 6e4;
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
    silence = setTimeout(isLost, SILENCE_MS);
  };
  const isLost = () => {
    hangUp();
    tell("down");
    retry = setTimeout(open, RETRY_MS);
  };
  const open = () => {
    hangUp();
    source = new EventSource("/api/live");
    source.addEventListener("open", isAlive);
    source.addEventListener("heartbeat", isAlive);
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
      void fetchJson("/api/now").then(take, () => tell("down"));
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

// src/format.ts
function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
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
  return atS === null || atS === void 0 ? "–" : CLOCK.format(atS * 1e3);
}
function moment(atS) {
  return atS === null || atS === void 0 ? "–" : MOMENT.format(atS * 1e3);
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
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

// src/seat.ts
var SELF_CHOSEN = "A name that the seat chose for itself; nobody checked it";
function chosenName(name) {
  return name ? make("span", { class: "chosen", title: SELF_CHOSEN }, " “", make("bdi", {}, name), "”") : null;
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
    const tick = () => {
      const state = context.now;
      say(lead, describe(state, context));
      say(left, describeLeft(state));
      left.hidden = left.textContent === "";
      say(follows, describeFollowing(state));
    };
    tick();
    context.every(500, tick);
    context.whenChanged(tick);
    root.append(make("h2", {}, "Seats in this round"));
    const key = make("p", { class: "key" });
    const grid = make("ul", { class: "grid" });
    const places = make("div", {}, key, grid);
    context.follow(root, () => context.seats(), (box, seats) => {
      if (!places.isConnected) {
        box.append(places);
      }
      fillGrid(grid, key, seats, context.now);
    }, "the seats");
    root.append(make("h2", {}, "The newest settled round"));
    context.follow(root, () => context.get(lastRounds(context.now)), (box, rounds) => {
      refill(box, newestRound(rounds));
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
function describe(state, { circle }) {
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
  const newest = `Newest block ${block.toLocaleString("en")}`;
  if (blockTimeS === null) {
    return `${newest}. ${sentence(following.says)}`;
  }
  const when = following.state === "live" ? `${span(Date.now() / 1e3 - blockTimeS)} ago` : `of ${moment(blockTimeS)}`;
  return `${newest}, ${when}. ${sentence(following.says)}`;
}
function markOf(seat, state, sets) {
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
function fillGrid(grid, key, seats, state) {
  const sets = {
    roster: new Set(state.roster),
    committed: new Set(state.committed),
    attested: new Set(state.attested),
    waited: new Set(state.waitedFor)
  };
  const isSmall = seats.length > LARGE;
  grid.classList.toggle("small", isSmall);
  const counts = /* @__PURE__ */ new Map();
  const cells = seats.map((one) => {
    const mark = markOf(one.seat, state, sets);
    counts.set(mark, (counts.get(mark) ?? 0) + 1);
    const bad = isFallen(one);
    const name = one.name ? ` “${one.name}”` : "";
    const says = `seat ${one.seat}${name}, ${mark.says}${bad ? `, ${one.standing.join(", ")}` : ""}`;
    return make(
      "li",
      {},
      make(
        "a",
        { href: address("seats", [one.seat]), class: `cell ${mark.kind}${bad ? " fallen" : ""}`, title: says, "data-key": one.seat },
        make("span", { class: "number" }, one.seat),
        make("span", { class: "sign", "aria-hidden": "true" }, mark.sign),
        isSmall ? null : make("span", { class: "name" }, chosenName(one.name)),
        make("span", { class: "word" }, isSmall ? make("span", { class: "unseen" }, mark.says) : mark.says),
        isSmall || !bad ? null : make("span", { class: "standing" }, one.standing.join(", "))
      )
    );
  });
  refill(grid, ...cells);
  const fallen = seats.filter(isFallen).length;
  const struck = isSmall && fallen > 0 ? make("span", {}, make("span", { class: "swatch struck", "aria-hidden": "true" }, "5"), ` quarantined, suspended or out: ${fallen}`) : null;
  refill(key, ...seats.length === 0 ? ["Nobody has a seat yet: `folkmoot node` takes one."] : [...counts].map(([mark, number]) => make("span", {}, make("span", { class: `swatch ${mark.kind}`, "aria-hidden": "true" }, mark.sign), ` ${mark.says}: ${number}`)), struck);
}
function isFallen({ standing }) {
  return standing.length > 0;
}
function newestRound(rounds) {
  let at = rounds.number.length - 1;
  while (at >= 0 && rounds.settledAtS[at] === null) {
    at -= 1;
  }
  const number = rounds.number[at];
  if (number === void 0) {
    return make("p", {}, "No round is settled yet.");
  }
  const [opened, settled] = [rounds.openedAtS[at], rounds.settledAtS[at]];
  const facts = [
    ["Committed", rounds.committed[at] ?? 0],
    ["Attested", rounds.attested[at] ?? 0],
    ["Accepted", rounds.accepted[at] ?? 0],
    ["Rejected", rounds.rejected[at] ?? 0],
    ["No verdict", rounds.unjudged[at] ?? 0],
    ["Took", typeof opened === "number" && typeof settled === "number" ? span(settled - opened) : "–"]
  ];
  return make(
    "div",
    {},
    make("p", {}, make("a", { href: address("rounds", [number]), "data-key": "newest" }, `Round ${number}`), `, settled at ${clock(settled)}`),
    make("dl", { class: "tiles" }, ...facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))))
  );
}
function describeTrouble({ openDisputes, findings }) {
  const disputes = openDisputes === 0 ? "No dispute is open." : `${count(openDisputes, "dispute")} open.`;
  const found = findings === null ? "No audit has been made for this page." : findings === 0 ? "The audit found nothing." : `The audit has ${count(findings, "finding")}.`;
  return [
    make("a", { href: address("disputes"), "data-key": "disputes" }, disputes),
    " ",
    make("a", { href: address("findings"), "data-key": "findings" }, found)
  ];
}

// src/views/search.ts
var KINDS = {
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
        const found = hits.length === 0 ? make("p", {}, "Nothing in this circle has that. Whole numbers find seats and rounds; of addresses, digests and CIDs the beginning is enough.") : make("ul", { class: "hits" }, ...hits.map(showHit));
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
  return make("li", {}, make("span", { class: "kind" }, KINDS[hit.kind] ?? hit.kind), " ", link);
}

// src/views/index.ts
var VIEWS = [now, search];

// src/shell.ts
var LINES = {
  connecting: "connecting",
  up: "connected",
  down: "connection lost"
};
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
      if (!view.hidden) {
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
    root.append(heading);
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
    make("p", {}, `${sentence(source.says)} `, make("span", { class: "faint" }, `${program}. This page only reads; it loads nothing from elsewhere.`)),
    make("p", { class: "faint keys" }, make("kbd", {}, "/"), " search, ", make("kbd", {}, "←"), " ", make("kbd", {}, "→"), " the round before and after, in Rounds")
  );
}

// src/main.ts
async function start() {
  refill(document.body, make("p", { class: "starting", role: "status" }, "Reading the circle…"));
  let circle;
  let now2;
  try {
    [circle, now2] = await Promise.all([fetchJson("/api/circle"), fetchJson("/api/now")]);
  } catch (error) {
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
