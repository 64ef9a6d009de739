// R12.1 and R12.2, in exact integers.

import { require } from "./bytes.js";

const PRECISION = 50;
const Q15 = 32768;

/** A decimal number: coefficient · 10^exponent. @typedef {{digits: bigint, exponent: number}} Decimal */

/**
 * To 50 digits, half to even. `isMore`: something not zero was left behind the digits.
 * @param {bigint} digits not negative @param {number} exponent @param {boolean} [isMore]
 * @returns {Decimal}
 */
function round(digits, exponent, isMore = false) {
  const surplus = digits.toString().length - PRECISION;
  if (surplus <= 0) return { digits, exponent };
  const unit = 10n ** BigInt(surplus);
  let kept = digits / unit;
  const [rest, half] = [digits % unit, unit / 2n];
  if (rest > half || (rest === half && (isMore || kept % 2n === 1n))) kept += 1n;
  return round(kept, exponent + surplus);
}

/** @param {bigint} above @param {bigint} below @returns {Decimal} the quotient to 50 digits */
function divide(above, below) {
  const scale = 60 + below.toString().length;
  const raised = above * 10n ** BigInt(scale);
  return round(raised / below, -scale, raised % below !== 0n);
}

/** exp(−x) to 50 digits. @param {Decimal} x not negative @returns {Decimal} */
function expOfMinus(x) {
  if (x.digits === 0n) return { digits: 1n, exponent: 0 };
  // Fixed point with so many digits that no rounding of a 50-digit result hangs on the error, halved until the series
  // is short; exp is never a decimal of finitely many digits, so there are no ties.
  const whole = x.exponent >= 0 ? x.digits * 10n ** BigInt(x.exponent) : x.digits / 10n ** BigInt(-x.exponent);
  // No circle has an exponent above 2κ / 1000, and 200 is the most.
  require(whole <= 200n, "an exponent is beyond what rounds there are");
  const places = 160 + 2 * Number(whole);
  const one = 10n ** BigInt(places);
  const power = BigInt(places + x.exponent);
  let value = power >= 0n ? x.digits * 10n ** power : x.digits / 10n ** -power;
  let halvings = 0n;
  while (value >> halvings > one / 1024n) halvings++;
  value >>= halvings;
  let [sum, term] = [one, one];
  for (let k = 1n; term > 0n; k++) {
    term = (term * value) / (one * k);
    sum += term;
  }
  for (let step = 0n; step < halvings; step++) sum = (sum * sum) / one;
  return round((one * one) / sum, -places, true);
}

/** @param {Decimal} left @param {Decimal} right @returns {Decimal} */
function multiply(left, right) {
  return round(left.digits * right.digits, left.exponent + right.exponent);
}

/**
 * The factor of R12.1.
 * @param {number} gammaMilli @param {number} kappaMilli @param {number} t @param {number} rounds
 * @returns {bigint}
 */
export function balanceFactor(gammaMilli, kappaMilli, t, rounds) {
  const x = divide(2n * BigInt(kappaMilli) * BigInt(t), 1000n * BigInt(rounds));
  const square = { digits: BigInt(gammaMilli) ** 2n, exponent: -6 };
  const value = multiply(multiply(square, expOfMinus(x)), { digits: 2n ** 30n, exponent: 0 });
  return value.exponent >= 0 ? value.digits * 10n ** BigInt(value.exponent) : value.digits / 10n ** BigInt(-value.exponent);
}

/** Σ (left − right)², exact. @param {Int32Array} left @param {Int32Array | null} right zeros where null @returns {bigint} */
export function squaredDistance(left, right) {
  let total = 0n;
  // A square has up to 50 bits, so its halves are summed apart, in stretches that keep within 53 bits.
  for (let start = 0; start < left.length; start += 2 ** 20) {
    const end = Math.min(start + 2 ** 20, left.length);
    let [low, high] = [0, 0];
    for (let at = start; at < end; at++) {
      const difference = right === null ? left[at] : left[at] - right[at];
      const square = difference * difference;
      const upper = Math.floor(square / 2 ** 26);
      high += upper;
      low += square - upper * 2 ** 26;
    }
    total += (BigInt(high) << 26n) + BigInt(low);
  }
  return total;
}

/**
 * @typedef {object} Outcome
 * @property {Map<number, boolean>} accepted seat → verdict
 * @property {Map<number, Map<string, bigint>>} figures seat → name → figure, in the order of the rule
 * @property {Set<number>} mixed
 * @property {Int32Array} nextBase
 */

/**
 * R12.1.
 * @param {Record<string, number>} parameters @param {Int32Array} own @param {Map<number, Int32Array>} neighbours seats ascending
 * @param {Set<number>} eligible @param {number} number the round's @param {number} rounds
 * @returns {Outcome}
 */
export function screenBalance(parameters, own, neighbours, eligible, number, rounds) {
  const { gamma_milli: gamma = 300, kappa_milli: kappa = 500, alpha_q15: alpha = 16384 } = parameters;
  require(1 <= gamma && gamma <= 1e6 && 0 <= kappa && kappa <= 1e5 && 0 <= alpha && alpha <= Q15, "a parameter of balance is out of its range");
  const limit = (balanceFactor(gamma, kappa, number - 1, rounds) * squaredDistance(own, null)) >> 30n;
  const accepted = new Map();
  const figures = new Map();
  const mixed = new Set();
  for (const [seat, other] of neighbours) {
    const distance = squaredDistance(own, other);
    accepted.set(seat, distance <= limit);
    figures.set(seat, new Map([["distance2", distance], ["limit2", limit]]));
    if (distance <= limit && eligible.has(seat)) mixed.add(seat);
  }
  const states = [...mixed].map((seat) => /** @type {Int32Array} */ (neighbours.get(seat)));
  return { accepted, figures, mixed, nextBase: mixBalance(alpha, own, states) };
}

/** @param {number} alpha @param {Int32Array} own @param {Int32Array[]} states up to 20 @returns {Int32Array} */
function mixBalance(alpha, own, states) {
  const m = states.length;
  if (m === 0) return Int32Array.from(own);
  // Below 2^45 above and 2^20 below: the quotient of two doubles is never rounded up to an integer.
  return own.map((value, at) => {
    let sum = 0;
    for (const state of states) sum += state[at];
    return Math.floor((alpha * m * value + (Q15 - alpha) * sum + 16384 * m) / (Q15 * m));
  });
}

/**
 * R12.2.
 * @param {Int32Array} own @param {Map<number, Int32Array>} neighbours
 * @returns {Outcome}
 */
export function screenNone(own, neighbours) {
  const states = [own, ...neighbours.values()];
  const half = Math.floor(states.length / 2);
  return {
    accepted: new Map([...neighbours.keys()].map((seat) => [seat, true])),
    figures: new Map([...neighbours.keys()].map((seat) => [seat, new Map()])),
    mixed: new Set(neighbours.keys()),
    nextBase: own.map((_, at) => {
      let sum = half;
      for (const state of states) sum += state[at];
      return Math.floor(sum / states.length);
    }),
  };
}
