/** Start the page: ask for the circle, show the shell, listen to changes. */

import { fetchJson, Refusal, type Circle, type Now } from "./api";
import { Store } from "./context";
import { make, refill } from "./dom";
import { sentence } from "./format";
import { followLive } from "./live";
import { Shell } from "./shell";

/** The history is still being read: it is asked again. */
const AGAIN_MS = 1_000;

async function start(): Promise<void> {
  refill(document.body, make("p", { class: "starting", role: "status" }, "Reading the circle…"));
  let circle: Circle;
  let now: Now;
  try {
    [circle, now] = await Promise.all([fetchJson<Circle>("/api/circle"), fetchJson<Now>("/api/now")]);
  } catch (error) {
    if (error instanceof Refusal && error.status === 503) {
      refill(document.body, make("p", { class: "starting", role: "status" }, sentence(error.message)));
      setTimeout(() => void start(), AGAIN_MS);
      return;
    }
    const says = error instanceof Error ? error.message : String(error);
    const again = make("button", { type: "button", on: { click: () => void start() } }, "Try again");
    refill(document.body, make("main", { class: "starting" }, make("h1", {}, "Folkmoot"), make("p", {}, says), again));
    return;
  }
  const store = new Store(circle, now);
  const shell = new Shell(store);
  shell.open(document.body);
  followLive((next) => store.take(next), (line) => shell.tellLine(line));
}

void start();
