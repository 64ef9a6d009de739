/** Measures as people read them: bytes, gas, coin, and figures of any size. */

const UNITS = ["B", "kB", "MB", "GB", "TB"];
const WEI = 1e18;

/** `1.25 MB`. */
export function bytes(size: number): string {
  let [value, unit] = [size, 0];
  while (Math.abs(value) >= 1000 && unit < UNITS.length - 1) {
    [value, unit] = [value / 1000, unit + 1];
  }
  return `${unit === 0 ? Math.round(value) : digits(value)} ${UNITS[unit]}`;
}

/** Four digits that matter: `0.8412`, `12.5`, `1,234,567`, `2.1e-7`. */
export function digits(value: number): string {
  if (value === 0) {
    return "0";
  }
  const size = Math.abs(value);
  if (size >= 1e12 || size < 1e-4) {
    return value.toExponential(2);
  }
  return size >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(4)));
}

/** Gas as a whole number with its thousands apart. */
export function gas(units: number): string {
  return Math.round(units).toLocaleString("en");
}

/** Wei, as text of any length, in ETH; null where nobody says. */
export function ether(wei: string | null | undefined): number | null {
  return typeof wei === "string" && /^\d{1,40}$/.test(wei) ? Number(wei) / WEI : null;
}

/** An amount of ETH with its unit: small ones in gwei, which is a billionth. */
export function coin(eth: number): string {
  return eth !== 0 && Math.abs(eth) < 1e-4 ? `${digits(eth * 1e9)} gwei` : `${digits(eth)} ETH`;
}

/** A value in its unit: `B`, `s`, `gas`, or none. */
export function inUnit(value: number, unit: string): string {
  return unit === "B" ? bytes(value) : unit === "" ? digits(value) : unit === "gas" ? gas(value) : `${digits(value)} ${unit}`;
}

/** At an axis: `1.5M`, `250k`, `0.8`. */
export function short(value: number): string {
  const size = Math.abs(value);
  const [unit, letter] = size >= 1e9 ? [1e9, "G"] : size >= 1e6 ? [1e6, "M"] : size >= 1e4 ? [1e3, "k"] : [1, ""];
  return `${digits(value / unit)}${letter}`;
}
