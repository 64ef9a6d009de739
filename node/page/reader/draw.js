// Who judges whom, and who sits on a jury: R3.9, R11 and R26.2.

import { addressWord, join, maskOf, seatsOf, toNumber, word } from "./bytes.js";
import { keccak } from "./hashes.js";

/**
 * What a block draws: a round's seed, or the one of a dispute's jury.
 * @param {Uint8Array} blockHash @param {number} number of the round or dispute @param {string} contract
 */
export function deriveSeed(blockHash, number, contract) {
  return keccak(join(blockHash, word(number), addressWord(contract)));
}

/** `number(i)` of R11, for one seed. */
class Numbers {
  /** @param {Uint8Array} seed */
  constructor(seed) {
    this.seed = seed;
    /** @type {Map<number, bigint>} */
    this.pools = new Map();
  }

  /** @param {number} index @returns {number} */
  at(index) {
    const pool = Math.floor(index / 8);
    let bits = this.pools.get(pool);
    if (bits === undefined) {
      bits = toNumber(keccak(join(this.seed, word(pool))));
      this.pools.set(pool, bits);
    }
    return Number((bits >> BigInt(32 * (index % 8))) & 0xffffffffn);
  }
}

/** R11.1. @param {Uint8Array} seed @param {bigint} mask @returns {number[]} */
export function drawRing(seed, mask) {
  const numbers = new Numbers(seed);
  /** @type {number[]} */
  const ring = [];
  for (const seat of seatsOf(mask)) {
    const place = ring.length;
    const other = numbers.at(place) % (place + 1);
    ring.push(seat);
    [ring[place], ring[other]] = [ring[other], ring[place]];
  }
  return ring;
}

/** R11.2. @param {Uint8Array} seed @param {number} seats @param {number} degree @returns {number[]} */
function drawSteps(seed, seats, degree) {
  const wanted = degree >= seats - 1 ? seats - 1 : degree + (degree % 2 && seats % 2 ? 1 : 0);
  const isAll = wanted === seats - 1;
  const numbers = new Numbers(seed);
  /** @type {number[]} */
  const rest = [];
  for (let offset = 2; 2 * offset < seats; offset++) rest.push(offset);
  const offsets = wanted >= 2 ? [1] : [];
  for (let k = 1; k < Math.floor(wanted / 2); k++) {
    const chosen = k - 1 + (isAll ? 0 : numbers.at(255 + k) % (rest.length - (k - 1)));
    [rest[k - 1], rest[chosen]] = [rest[chosen], rest[k - 1]];
    offsets.push(rest[k - 1]);
  }
  const steps = offsets.flatMap((offset) => [offset, seats - offset]);
  if (wanted % 2) steps.push(seats / 2);
  return steps;
}

/**
 * R11.3: of each seat its neighbours, in the order of a verdict's bits.
 * @param {Uint8Array} seed @param {bigint} committed @param {number} degree
 * @returns {Map<number, number[]>}
 */
export function drawNeighbours(seed, committed, degree) {
  const ring = drawRing(seed, committed);
  const steps = drawSteps(seed, ring.length, degree);
  return new Map(ring.map((seat, place) => [seat, steps.map((step) => ring[(place + step) % ring.length])]));
}

/** R26.2. @param {Uint8Array} seed @param {bigint} pool @param {number} seats @returns {bigint} */
export function drawJury(seed, pool, seats) {
  return maskOf(drawRing(seed, pool).slice(0, seats));
}
