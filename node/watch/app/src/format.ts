/** Numbers, times and long names as people read them. */

import type { Timed } from "./api";

/** `3 of 8 seats`, `1 seat`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** Seconds as `42 s`, `3 min 05 s`, `2 h 10 min`, `3 d 4 h`. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) {
    return `${whole} s`;
  }
  if (whole < 3600) {
    return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  }
  if (whole < 86400) {
    return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
  }
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const MOMENT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/** Unix seconds as the hour of the day, in the reader's time zone; null as a dash. */
export function clock(atS: number | null | undefined): string {
  return format(CLOCK, atS);
}

/** Unix seconds as date and hour, in the reader's time zone; null as a dash. */
export function moment(atS: number | null | undefined): string {
  return format(MOMENT, atS);
}

/** Beyond these no calendar goes; others wrote the number, and a chain may say anything. */
const DATE_MAX_S = 8.64e12;

function format(as: Intl.DateTimeFormat, atS: number | null | undefined): string {
  if (atS === null || atS === undefined || Number.isNaN(atS)) {
    return "–";
  }
  return Math.abs(atS) <= DATE_MAX_S ? as.format(atS * 1000) : `second ${atS.toExponential(3)}`;
}

/** When something was: by `clock` or `moment`; where its block's time is not to be had, between which times. */
export function when({ timeS, betweenS }: Timed, tell = clock): string {
  return timeS === null && betweenS !== null ? `between ${tell(betweenS[0])} and ${tell(betweenS[1])}` : tell(timeS);
}

/** What to sort by. */
export function whenOrder({ timeS, betweenS }: Timed): number | null {
  return timeS ?? betweenS?.[0] ?? null;
}

/** A share of 1 with three decimals; null as a dash. */
export function share(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : value.toFixed(3);
}

/** A digest, an address or a CID with its middle left out. */
export function shorten(text: string, head = 8, tail = 4): string {
  return text.length <= head + tail + 1 ? text : `${text.slice(0, head)}…${text.slice(-tail)}`;
}

/** `0, 2–5, 7`: numbers as a list with runs drawn together; `none` where there are none; so many parts at most. */
export function list(numbers: readonly number[], none = "none", most = Infinity): string {
  if (numbers.length === 0) {
    return none;
  }
  const sorted = [...numbers].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let from = 0; from < sorted.length; ) {
    if (parts.length >= most) {
      return `${parts.join(", ")} and ${sorted.length - from} more`;
    }
    let to = from;
    while (to + 1 < sorted.length && sorted[to + 1] === sorted[to]! + 1) {
      to += 1;
    }
    parts.push(to - from > 1 ? `${sorted[from]}–${sorted[to]}` : sorted.slice(from, to + 1).join(", "));
    from = to + 1;
  }
  return parts.join(", ");
}

/** The first letter large. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The first letter large, and a full stop at the end. */
export function sentence(text: string): string {
  return text === "" ? "" : `${capital(text)}${/[.!?…]$/.test(text) ? "" : "."}`;
}
