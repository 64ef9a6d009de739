/** Addresses of views: `#/path/rest…?query`. */

import type { Parameters } from "./context";

export interface Address extends Parameters {
  path: string;
}

/** Read `location.hash`; what cannot be read is the first view. */
export function readAddress(hash: string): Address {
  const [way = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const parts = way.split("/").filter((part) => part !== "").map(decode);
  return { path: parts[0] ?? "", rest: parts.slice(1), query: new URLSearchParams(query) };
}

/** The hash of a view. Query values that are null are left out. */
export function address(
  path: string,
  rest: readonly (string | number)[] = [],
  query: Record<string, string | number | null> = {},
): string {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null) {
      asked.set(name, String(value));
    }
  }
  const tail = asked.toString();
  return `#/${[path, ...rest].map((part) => encodeURIComponent(part)).join("/")}${tail ? `?${tail}` : ""}`;
}

/** A part of an address that is a whole number; null where it is none. */
export function readNumber(part: string | null | undefined): number | null {
  return part !== null && part !== undefined && /^\d{1,9}$/.test(part) ? Number(part) : null;
}

/** Change the address without a new entry in the browser's history, and without showing the view anew. */
export function replaceAddress(hash: string): void {
  history.replaceState(null, "", hash);
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
