/** What the views of findings, disputes and provenance share: answers that change by themselves, and what is folded open. */

import { fetchJson, type Placed } from "./api";
import { showFailure, type Context } from "./context";
import { named } from "./copy";
import { make, say, type Child } from "./dom";
import { moment, shorten, when } from "./format";

const QUICK_MS = 1_500;
const SLOW_MS = 15_000;

/** An answer that is asked for again and again: soon while it moves, else when the circle changes or some time went by. */
export class Asked<Value> {
  readonly #note = make("p", { class: "note", role: "status" });
  #timer: ReturnType<typeof setTimeout> | undefined;
  #turn = 0;

  /** what: said while it is loaded first. isMoving: ask again soon. draw: called with each answer. */
  constructor(
    readonly context: Context,
    root: HTMLElement,
    readonly what: string,
    readonly path: () => string,
    readonly isMoving: (value: Value) => boolean,
    readonly draw: (value: Value) => void,
  ) {
    root.append(this.#note);
    say(this.#note, `Loading ${what}…`);
    context.whenChanged(() => this.#later(QUICK_MS));
    context.signal.addEventListener("abort", () => clearTimeout(this.#timer));
    void this.ask();
  }

  /** Ask now. */
  async ask(path = this.path()): Promise<void> {
    const mine = ++this.#turn;
    clearTimeout(this.#timer);
    try {
      const value = await fetchJson<Value>(path, this.context.signal);
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

  #later(waitMs: number): void {
    clearTimeout(this.#timer);
    if (!this.context.signal.aborted) {
      this.#timer = setTimeout(() => void this.ask(), waitMs);
    }
  }
}

/** Which parts stand open, so that they stay so when all is drawn again. */
export class Folds {
  readonly #open = new Set<string>();

  /** fill: called when it is opened for the first time. */
  make(key: string, summary: Child[], fill: (body: HTMLElement) => void): HTMLDetailsElement {
    const body = make("div", { class: "folded" });
    const element = make("details", { open: this.#open.has(key) }, make("summary", { "data-key": `fold ${key}` }, ...summary), body);
    let isFilled = false;
    const show = (): void => {
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
}

/** Terms and what is said of each; what is null is left out. */
export function facts(...rows: [string, Child][]): HTMLElement {
  const told = rows.filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false);
  return make("dl", { class: "facts" }, ...told.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

/** Steps one below the other: of each a class, when it was, what it was, and where on the chain it stands. */
export function listSteps<Step extends Placed>(steps: readonly Step[], kind: (step: Step) => string, says: (step: Step) => string): HTMLElement {
  return make("ol", { class: "steps" }, ...steps.map((step) => make(
    "li", { class: kind(step) },
    make("span", { class: "when" }, when(step, moment)),
    make("span", {}, says(step), " ", place({ ...step, timeS: null, betweenS: null })),
  )));
}

/** `block 12, transaction 0x12…, 29 Nov 2026, 15:00:20`. */
export function place({ block, tx, ...time }: Placed): HTMLElement {
  return make(
    "span", { class: "place faint" },
    block === null ? "not found on chain" : `block ${block}`,
    tx === null ? null : ", transaction ", tx === null ? null : named(tx, "the transaction's hash", shorten(tx)),
    time.timeS === null && time.betweenS === null ? null : `, ${when(time, moment)}`,
  );
}

/** A share of 1 as `12.3 %`. */
export function percent(share: number, decimals = 1): string {
  return `${(100 * share).toFixed(decimals)} %`;
}
