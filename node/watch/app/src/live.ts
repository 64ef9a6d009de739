/** The server's events: each change of the circle as it happens, and whether the line to the server is up. */

import { fetchJson, type Now } from "./api";

export type Line = "connecting" | "up" | "down";

const RETRY_MS = 3_000;
/** After so long without an event it is asked whether the server is still there: its heartbeat is not to be seen from here. */
const SILENCE_MS = 45_000;

/** Listen until the page goes; a hidden tab hangs up, as a browser lends one server only a few connections. */
export function followLive(take: (now: Now) => void, tell: (line: Line) => void): void {
  let source: EventSource | null = null;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let silence: ReturnType<typeof setTimeout> | undefined;

  const hangUp = (): void => {
    clearTimeout(retry);
    clearTimeout(silence);
    source?.close();
    source = null;
  };
  const isAlive = (): void => {
    tell("up");
    clearTimeout(silence);
    silence = setTimeout(ask, SILENCE_MS);
  };
  const ask = (): void => {
    void fetchJson<Now>("/api/now").then((now) => {
      take(now);
      isAlive();
    }, isLost);
  };
  const isLost = (): void => {
    hangUp();
    tell("down");
    retry = setTimeout(open, RETRY_MS);
  };
  const open = (): void => {
    hangUp();
    // A tab that was opened behind others has nobody to show anything to, and takes a connection from them.
    if (document.hidden) {
      return;
    }
    source = new EventSource("/api/live");
    source.addEventListener("open", isAlive);
    source.addEventListener("now", (event) => {
      isAlive();
      take(JSON.parse((event as MessageEvent<string>).data) as Now);
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
