/** Asking again while the server still fetches what a view shows. */

import type { Context } from "./context";

const AGAIN_MS = 800;

/** Returns a function to be told how much is waited for: while that is something, `refresh` is called again. */
export function askAgainWhilePending(context: Context, refresh: () => Promise<void>): (pending: number) => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  context.signal.addEventListener("abort", () => clearTimeout(timer));
  return (pending) => {
    clearTimeout(timer);
    if (pending > 0 && !context.signal.aborted) {
      timer = setTimeout(() => void refresh(), AGAIN_MS);
    }
  };
}
