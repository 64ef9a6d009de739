/** What a view is given: the circle, its state as it changes, the server's answers, and a way to tell people. */

import { fetchText, type Circle, type Now, type Seat } from "./api";
import { make, refill } from "./dom";
import { sentence } from "./format";

/** The hash after the view's path: `#/distances/3/5?from=2` → rest ["3", "5"], query from=2. */
export interface Parameters {
  rest: string[];
  query: URLSearchParams;
}

/** Called where only the parameters change; false: show the view anew. */
export type Change = (parameters: Parameters) => boolean;

export interface View {
  /** In the navigation and in the window's title. */
  title: string;
  /** The first part of the hash. */
  path: string;
  /** Leave it out of the navigation. */
  hidden?: boolean;
  /** Whether it is of any use for this circle: else it is left out of the navigation, too. */
  isFor?(circle: Circle): boolean;
  /** Fill `root`, which is empty but for the heading. May wait; may return what to do when parameters change. */
  show(root: HTMLElement, context: Context, parameters: Parameters): void | Change | Promise<void | Change>;
}

/** What a seat calls itself, and what is remarkable about that. */
export type ChosenName = Pick<Seat, "name" | "nameMarks">;

/** Answers kept for going back and forth; the bound is on their number. */
const KEPT = 40;
/** Answers are asked for again after this: the times of blocks come in late, under the same revision. */
const FRESH_MS = 2_000;
/** So long after a change a view asks once more, for those times. */
const LATE_MS = 4_000;
/** The least time between two refreshes of one view, so that a fast chain does not keep the page busy. */
const REFRESH_MS = 1_000;

/** Shared by all views: the last state, and answers by path and revision. */
export class Store {
  /** Seat → the name that it chose. */
  readonly names = new Map<number, ChosenName>();
  readonly #answers = new Map<string, { revision: number; atMs: number; text: string; value: unknown }>();
  readonly #listeners = new Set<(now: Now) => void>();

  constructor(
    readonly circle: Circle,
    public now: Now,
  ) {}

  /** Take a new state and tell whoever listens. */
  take(now: Now): void {
    this.now = now;
    for (const listener of [...this.#listeners]) {
      listener(now);
    }
  }

  listen(listener: (now: Now) => void, signal: AbortSignal): void {
    this.#listeners.add(listener);
    signal.addEventListener("abort", () => this.#listeners.delete(listener));
  }

  /** Fetch, or give what this revision already gave; what did not change is the same object as before. */
  async get<Value>(path: string, signal: AbortSignal): Promise<Value> {
    const { revision } = this.now;
    const kept = this.#answers.get(path);
    if (kept?.revision === revision && performance.now() - kept.atMs < FRESH_MS) {
      return kept.value as Value;
    }
    const text = await fetchText(path, signal);
    const value: unknown = kept?.text === text ? kept.value : JSON.parse(text);
    this.#answers.delete(path);
    this.#answers.set(path, { revision, atMs: performance.now(), text, value });
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= KEPT) {
        break;
      }
      this.#answers.delete(oldest);
    }
    return value as Value;
  }

  /** Every seat; notes the names that they chose. */
  async seats(signal: AbortSignal): Promise<Seat[]> {
    const seats = await this.get<Seat[]>("/api/seats", signal);
    this.names.clear();
    for (const { seat, name, nameMarks } of seats) {
      if (name) {
        this.names.set(seat, { name, nameMarks });
      }
    }
    return seats;
  }
}

export class Context {
  constructor(
    readonly store: Store,
    /** Aborted when the view is left: give it to what must end then. */
    readonly signal: AbortSignal,
    /** Say a sentence to people who do not see the screen. */
    readonly announce: (sentence: string) => void,
  ) {}

  get circle(): Circle {
    return this.store.circle;
  }

  get now(): Now {
    return this.store.now;
  }

  /** Fetch a JSON value; the same revision is asked for once. Raises Refusal. */
  get<Value>(path: string): Promise<Value> {
    return this.store.get<Value>(path, this.signal);
  }

  /** Every seat. */
  seats(): Promise<Seat[]> {
    return this.store.seats(this.signal);
  }

  /** Call with each new state while the view is shown, and not at once. */
  whenChanged(listener: (now: Now) => void): void {
    this.store.listen(listener, this.signal);
  }

  /** Run while the view is shown, every so many milliseconds. */
  every(milliseconds: number, tick: () => void): void {
    const timer = setInterval(tick, milliseconds);
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
  follow<Value>(
    root: HTMLElement,
    load: () => Promise<Value>,
    draw: (box: HTMLElement, value: Value) => void,
    what: string,
  ): () => Promise<void> {
    const note = make("p", { class: "note", role: "status" }, `Loading ${what}…`);
    const box = make("div", { class: "followed" });
    root.append(note, box);
    let turn = 0;
    let lastMs = 0;
    let waiting: ReturnType<typeof setTimeout> | undefined;
    let late: ReturnType<typeof setTimeout> | undefined;
    let drawn: Value | undefined;
    let { revision } = this.now;
    const refresh = async (): Promise<void> => {
      const mine = ++turn;
      lastMs = performance.now();
      box.setAttribute("aria-busy", "true");
      try {
        const value = await load();
        if (mine === turn && !this.signal.aborted) {
          note.hidden = true;
          if (value !== drawn) {
            drawn = value;
            draw(box, value);
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
    const refreshLate = (): void => {
      clearTimeout(late);
      late = setTimeout(() => void refresh(), LATE_MS);
    };
    this.whenChanged((now) => {
      if (now.revision !== revision) {
        revision = now.revision;
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
}

/** Say in a note what went wrong, with a button to ask again. hasOlder: what was drawn before still stands below. */
export function showFailure(note: HTMLElement, error: unknown, hasOlder: boolean, again: () => void): void {
  const says = error instanceof Error ? error.message : String(error);
  note.hidden = false;
  note.className = "note bad";
  refill(
    note,
    sentence(says),
    hasOlder ? " What stands below is older. " : " ",
    make("button", { type: "button", "data-key": "again", on: { click: again } }, "Try again"),
  );
  if (!(error instanceof Error) || error.name === "TypeError") {
    console.error(error);
  }
}
