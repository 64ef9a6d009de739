/** What the views of findings, disputes and provenance share: answers that change by themselves, and what is folded open. */

import { fetchJson, type Placed } from "./api";
import type { Context } from "./context";
import { named } from "./copy";
import { make, refill, say, type Child } from "./dom";
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
      this.#note.hidden = false;
      this.#note.className = "note bad";
      const again = make("button", { type: "button", "data-key": "again", on: { click: () => void this.ask() } }, "Try again");
      refill(this.#note, error instanceof Error ? error.message : String(error), " ", again);
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

/** `block 12, transaction 0x12…, 29 Nov 2026, 15:00:20`. */
export function place({ block, tx, ...time }: Placed): HTMLElement {
  return make(
    "span", { class: "place faint" },
    block === null ? "not found on chain" : `block ${block}`,
    tx === null ? null : ", transaction ", tx === null ? null : named(tx, "the transaction's hash", shorten(tx)),
    time.timeS === null && time.betweenS === null ? null : `, ${when(time, moment)}`,
  );
}

/** Wei as coin with up to six decimals. */
export function ether(wei: string): string {
  const digits = wei.padStart(19, "0");
  const whole = digits.slice(0, -18).replace(/^0+(?=\d)/, "");
  const part = digits.slice(-18, -12).replace(/0+$/, "");
  return `${whole}${part === "" ? "" : `.${part}`} ETH`;
}

/** In the unit that shows a figure. */
export function bytes(size: number): string {
  return size >= 1e5 ? `${(size / 1e6).toLocaleString("en", { maximumFractionDigits: 1 })} MB` : `${(size / 1e3).toFixed(1)} kB`;
}

/** A share of 1 as `12.3 %`. */
export function percent(share: number, decimals = 1): string {
  return `${(100 * share).toFixed(decimals)} %`;
}

/** A span without breaks inside, with a class. */
export function word(kind: string, ...children: Child[]): HTMLElement {
  return make("span", { class: kind }, ...children);
}
