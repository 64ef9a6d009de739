/** What stands around every view: where the circle is, the way to each view, the search, and what changed. */

import type { Now } from "./api";
import { Context, type Change, type Store, type View } from "./context";
import { copyButton } from "./copy";
import { make, refill, say } from "./dom";
import { clock, sentence, shorten, span } from "./format";
import type { Line } from "./live";
import { address, readAddress, type Address } from "./router";
import { VIEWS } from "./views/index";

const LINES: Record<Line, string> = {
  connecting: "connecting",
  up: "connected",
  down: "connection lost",
};

/** A view that takes longer than this says that it loads. */
const QUIET_MS = 200;

export class Shell {
  readonly #store: Store;
  readonly #header = make("header", { class: "top" });
  readonly #links = make("ul");
  readonly #nav = make("nav", { "aria-label": "Views", id: "views" }, this.#links);
  readonly #menu = make("button", {
    type: "button", class: "menu", "aria-controls": "views", "aria-expanded": "false",
    on: { click: () => this.#openMenu(this.#menu.getAttribute("aria-expanded") !== "true") },
  }, "Views");
  readonly #where = make("p", { class: "where" });
  readonly #round = make("strong");
  readonly #phase = make("span", { class: "phase" });
  readonly #left = make("span", { class: "left" });
  readonly #line = make("span", { class: "line connecting" }, LINES.connecting);
  readonly #banner = make("p", { class: "banner", role: "status", hidden: true });
  readonly #told = make("p", { class: "unseen", "aria-live": "polite" });
  readonly #main = make("main", { id: "main", tabindex: "-1" });
  readonly #search = make("input", {
    type: "search", name: "q", id: "search", maxlength: 128, autocomplete: "off",
    placeholder: "Seat, round, CID, address, name",
  });
  #view: View | null = null;
  #change: Change | null = null;
  #leave = new AbortController();
  #lineState: Line = "connecting";
  #lostS = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Fill the body, show the view that the address names, and go on by itself. */
  open(body: HTMLElement): void {
    this.#fillHeader();
    const skip = make("a", { class: "skip", href: "#main", on: { click: (event) => this.#skip(event) } }, "Skip to the content");
    refill(body, skip, this.#header, this.#banner, this.#main, this.#told, footer(this.#store));
    const forever = new AbortController().signal;
    this.#store.listen((now) => this.#tell(now), forever);
    setInterval(() => this.#tick(), 500);
    addEventListener("hashchange", () => this.#go(true));
    addEventListener("keydown", (event) => this.#press(event));
    this.#tick();
    this.#go(false);
    void this.#store.seats(forever).catch(() => undefined);
  }

  tellLine(line: Line): void {
    if (line !== this.#lineState) {
      this.#lineState = line;
      this.#lostS = line === "down" ? Date.now() / 1000 : 0;
      this.#line.className = `line ${line}`;
      this.#tick();
    }
  }

  #fillHeader(): void {
    const { circle } = this.#store;
    const form = make(
      "form",
      { role: "search", on: { submit: (event) => this.#find(event) } },
      make("label", { class: "unseen", for: "search" }, "Search the circle"),
      this.#search,
      make("kbd", { "aria-hidden": "true", title: "Press / to search" }, "/"),
    );
    refill(
      this.#where,
      make("span", { class: "task" }, circle.task.startsWith("0x") ? shorten(circle.task) : circle.task),
      " ",
      make("code", { title: circle.contract }, shorten(circle.contract)),
      copyButton(circle.contract, "the circle's address"),
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
      this.#nav,
    );
  }

  #openMenu(isOpen: boolean): void {
    this.#menu.setAttribute("aria-expanded", String(isOpen));
    this.#nav.classList.toggle("open", isOpen);
  }

  #tick(): void {
    const { circle, now } = this.#store;
    say(this.#round, now.round === 0 ? "not begun" : `round ${now.round} of ${circle.lastRound}`);
    say(this.#phase, now.phase);
    say(this.#left, describeLeft(now));
    const { state } = now.following;
    const isBundle = circle.source.kind === "bundle";
    say(this.#line, isBundle ? "saved bundle" : this.#lineState === "up" && state !== "live" ? state : LINES[this.#lineState]);
    this.#line.classList.toggle("stale", state === "stale");
    this.#line.classList.toggle("rests", isBundle || state === "finished");
    const told = this.#lineState === "down"
      ? `The line to this page's server is lost since ${clock(this.#lostS)}. What you see is as of then; it is tried again every few seconds.`
      : state === "stale" ? `${sentence(now.following.says)} What you see is as of ${clock(now.following.sinceS)}.` : "";
    say(this.#banner, told);
    this.#banner.hidden = told === "";
  }

  #tell(now: Now): void {
    const was = this.#told.dataset["state"];
    const is = `${now.round} ${now.phase}`;
    if (was !== undefined && was !== is) {
      this.#announce(`Round ${now.round}: ${now.phase}.`);
    }
    this.#told.dataset["state"] = is;
    this.#tick();
  }

  #announce(sentence: string): void {
    this.#told.textContent = sentence;
  }

  #go(isMove: boolean): void {
    const found = readAddress(location.hash);
    const view = VIEWS.find((one) => one.path === found.path) ?? (found.path === "" ? VIEWS[0]! : null);
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

  async #show(view: View | null, found: Address, signal: AbortSignal, isMove: boolean): Promise<void> {
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
    const context = new Context(this.#store, signal, (sentence) => this.#announce(sentence));
    root.setAttribute("aria-busy", "true");
    const waiting = setTimeout(() => { loading.hidden = false; }, QUIET_MS);
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

  #skip(event: Event): void {
    event.preventDefault();
    this.#main.focus();
    this.#main.scrollIntoView();
  }

  #find(event: Event): void {
    event.preventDefault();
    const asked = this.#search.value.trim();
    if (asked !== "") {
      location.hash = address("search", [], { q: asked });
    }
  }

  #press(event: KeyboardEvent): void {
    const target = event.target as HTMLElement | null;
    if (event.key === "/" && !isWriting(target) && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      this.#search.focus();
      this.#search.select();
    } else if (event.key === "Escape" && this.#menu.getAttribute("aria-expanded") === "true") {
      this.#openMenu(false);
      this.#menu.focus();
    }
  }
}

/** Whether keys pressed here are text. */
export function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, select, textarea");
}

/** The time left in the phase, in words; empty where there is none. */
export function describeLeft(now: Now): string {
  if (now.deadlineS === null || now.following.state === "finished" || now.following.state === "bundle") {
    return "";
  }
  const leftS = now.deadlineS - Date.now() / 1000;
  return leftS > 0 ? `${span(leftS)} left` : `deadline passed ${span(-leftS)} ago`;
}

function footer(store: Store): HTMLElement {
  const { source, program } = store.circle;
  return make(
    "footer", {},
    make("p", {}, `${sentence(source.says)} `, make("span", { class: "faint" }, `${/\d/.test(program) ? `${program}. ` : ""}This page only reads; it loads nothing from elsewhere.`)),
    make("p", { class: "faint keys" }, make("kbd", {}, "/"), " search, ", make("kbd", {}, "←"), " ", make("kbd", {}, "→"), " the round before and after, in Rounds"),
  );
}
