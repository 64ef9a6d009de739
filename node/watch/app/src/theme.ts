/** The colours of drawings: those of the style sheet, which follow the reader's light or dark. */

const DARK = matchMedia("(prefers-color-scheme: dark)");

/** A colour of the style sheet by its name: `blue` for `--blue`. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Call when light turns dark or back, until the signal is aborted. */
export function whenThemeTurns(turn: () => void, signal: AbortSignal): void {
  DARK.addEventListener("change", turn, { signal });
}

/** Lines told apart by colour and by dash: eight pairs, then they come again. */
export function lineStyle(index: number): { colour: string; dash: number[] } {
  const colours = ["blue", "orange", "green", "violet", "sky", "red", "yellow", "ink"];
  const dashes = [[], [8, 4], [2, 3], [10, 3, 2, 3]];
  return { colour: colours[index % colours.length]!, dash: dashes[Math.floor(index / 2) % dashes.length]! };
}
