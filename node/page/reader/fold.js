// The fold: events in order become the circle's state, or are shown to be impossible (R3, R4, R13, R23 to R27).

import {
  addressWord, count, encodeText, has, join, maskOf, require, same, seatsOf, toHex, toNumber, word,
} from "./bytes.js";
import { drawJury, drawNeighbours } from "./draw.js";
import { KINDS } from "./events.js";
import { keccak, sha256 } from "./hashes.js";
import { decodeManifest } from "./manifest.js";

/** @typedef {import("./events.js").CircleEvent} CircleEvent */
/** @typedef {import("./manifest.js").Manifest} Manifest */

const HASH_BYTES = 24;
const EMPTY = new Uint8Array(32);
const MAX_SEATS = 256;
const FULL = 65535;
const INITIAL = 32768;
const AWAKE = 49152;
const ABSENT_ROUNDS = 256;
const DISPUTE_ROUNDS = 256;
const WINDOWS = 4n;
const APPEAL_BONDS = 4n;
const SUSPENDED_ROUNDS = 64;
/** @type {Record<string, number>} */
const PHASE = { GATHERING: 0, COMMIT: 1, ATTEST: 2, FINISHED: 3 };
const STAGE = { DRAWING: 0, JURY: 1, APPEAL: 2, CIRCLE: 3 };
const OUTCOME = { VOID: 0, UPHELD: 1, REJECTED: 2 };
const ANSWERS = ["rejecting", "upholding", "withholding"];

/**
 * @typedef {object} Terms of R3.1, in small letters and without what the fold does not need; wei as bigints
 * @property {number} start_seats
 * @property {number} quorum
 * @property {number} last_round
 * @property {number} degree
 * @property {number} reputation_shift
 * @property {number} reputation_floor
 * @property {number} eject_after
 * @property {bigint} bond
 * @property {bigint} dispute_bond
 * @property {bigint} dispute_window_s
 * @property {number} jury_seats
 */

/**
 * @typedef {object} Seat who sits there, or sat there last
 * @property {string} peer
 * @property {string} cold
 * @property {string} endpoint
 * @property {bigint} bond
 * @property {number} since round under way when it joined
 * @property {number} tenure
 * @property {number} sinceDispute
 * @property {Set<string>} keys every hot key it had
 * @property {boolean} isHeld
 * @property {boolean} isReleased
 * @property {bigint} freeAt
 * @property {{peer: string, cold: string} | null} announced
 * @property {number} strikes
 * @property {number} disputes open ones
 * @property {number} attested the last round that it attested in
 * @property {number} restarted
 * @property {number} convictions
 * @property {number | null} suspendedUntil
 * @property {bigint} silentUntil
 */

/**
 * @typedef {object} Attestation
 * @property {bigint} judged mask
 * @property {bigint} accepted mask
 * @property {Uint8Array} record
 */

/**
 * @typedef {object} Round
 * @property {number} number
 * @property {Map<number, number>} reputations when it opened
 * @property {bigint} suspended mask
 * @property {Map<number, Uint8Array>} commits seat → digest
 * @property {Map<number, {peer: string, tenure: number, begun: number}>} authors seat → who committed
 * @property {Uint8Array | null} seed
 * @property {bigint} missed mask
 * @property {Map<number, number[]> | null} neighbours
 * @property {Map<number, Attestation>} attestations
 * @property {Set<number>} heard
 * @property {boolean} isSettled
 * @property {Map<number, number> | null} after reputations after its settlement
 */

/** @typedef {{rejecting: bigint, upholding: bigint, withholding: bigint}} Votes masks */

/**
 * @typedef {object} Dispute
 * @property {CircleEvent} claim
 * @property {number} tenure the judge's
 * @property {bigint} pool
 * @property {number} stage
 * @property {bigint} deadline
 * @property {bigint} jury
 * @property {Votes} juryVotes
 * @property {Votes} circleVotes
 * @property {number | null} asker
 * @property {string | null} appellant
 * @property {number | null} outcome
 */

/** @returns {Votes} */
function noVotes() {
  return { rejecting: 0n, upholding: 0n, withholding: 0n };
}

/** @param {Votes} votes @returns {bigint} */
function castOf(votes) {
  return votes.rejecting | votes.upholding | votes.withholding;
}

/** @param {Votes} votes @returns {bigint} */
function againstJudge(votes) {
  return votes.upholding | votes.withholding;
}

/** @param {bigint} left @param {bigint} right @returns {bigint} */
function smaller(left, right) {
  return left < right ? left : right;
}

/** Sixteen words of sixteen lanes (R13). @param {Map<number, number>} reputations @returns {bigint[]} */
export function packReputations(reputations) {
  /** @type {bigint[]} */
  const words = Array(16).fill(0n);
  for (const [seat, value] of reputations) words[seat % 16] |= BigInt(value) << BigInt(16 * (seat >> 4));
  return words;
}

/** @param {bigint[]} words @param {number} seats @returns {Map<number, number>} */
export function unpackReputations(words, seats) {
  const found = new Map();
  for (let seat = 0; seat < seats; seat++) {
    found.set(seat, Number((words[seat % 16] >> BigInt(16 * (seat >> 4))) & 0xffffn));
  }
  return found;
}

/** What silence leaves. @param {number} value @param {number} shift @returns {number} */
function lessen(value, shift) {
  return value - Math.floor(value / 2 ** shift);
}

/**
 * R13.
 * @param {Map<number, number>} reputations before
 * @param {Iterable<number>} committed seats
 * @param {Map<number, Attestation>} attestations
 * @param {{able: bigint, missed: bigint, shift: number, floor: number}} how
 * @returns {Map<number, number>} after
 */
export function settle(reputations, committed, attestations, how) {
  const judges = [...attestations.keys()].filter((judge) => has(how.able, judge));
  /** @param {number} judge */
  const weigh = (judge) => {
    const own = /** @type {number} */ (reputations.get(judge));
    return own < how.floor ? 0 : Math.floor(own / 256);
  };
  const isAllZero = judges.every((judge) => weigh(judge) === 0);
  const weights = judges.map((judge) => (isAllZero ? 1 : weigh(judge)));
  const after = new Map(reputations);
  for (const seat of committed) {
    let [total, accepting] = [0, 0];
    judges.forEach((judge, place) => {
      const said = /** @type {Attestation} */ (attestations.get(judge));
      if (has(said.judged, seat)) total += weights[place];
      if (has(said.accepted, seat)) accepting += weights[place];
    });
    const old = /** @type {number} */ (reputations.get(seat));
    let fresh = old;
    if (total > 0) {
      const share = Math.floor((FULL * accepting) / total);
      fresh = Math.floor((2 ** how.shift * old - old + share) / 2 ** how.shift);
    }
    after.set(seat, attestations.has(seat) ? fresh : lessen(fresh, how.shift));
  }
  for (const seat of seatsOf(how.missed)) {
    after.set(seat, lessen(/** @type {number} */ (reputations.get(seat)), how.shift));
  }
  return after;
}

/** What a verdict word says (R10). @param {bigint} said */
export function splitVerdicts(said) {
  return {
    seedTail: said >> 64n,
    round: Number((said >> 42n) & 0x3fffffn),
    accepted: Number((said >> 21n) & 0x1fffffn),
    judged: Number(said & 0x1fffffn),
  };
}

/** @param {number} bits @param {number[]} neighbours @returns {bigint} mask of seats */
function toSeats(bits, neighbours) {
  return maskOf(neighbours.filter((_, place) => bits & (1 << place)));
}

/** Letters and signs of printable ASCII, 1 to 256 of them. @param {string} text @returns {boolean} */
function isEndpoint(text) {
  return /^[\x20-\x7e]{1,256}$/.test(text);
}

/** A circle's past and present, grown event by event. Every method that takes an event throws a Fault on a wrong one. */
export class Circle {
  /** @param {Terms} terms @param {number} [mostSeats] fewer in tests */
  constructor(terms, mostSeats = MAX_SEATS) {
    this.terms = terms;
    this.mostSeats = mostSeats;
    this.hash = new Uint8Array(HASH_BYTES);
    this.phase = PHASE.GATHERING;
    /** @type {Manifest | null} */
    this.manifest = null;
    /** The manifest's digest. @type {Uint8Array | null} */
    this.task = null;
    /** @type {Map<number, Seat>} */
    this.seats = new Map();
    /** @type {Round[]} */
    this.rounds = [];
    this.roster = 0n;
    this.late = 0n;
    this.woken = 0n;
    this.dozing = 0n;
    /** Those that doze and attested in the round settled last. */
    this.steady = 0n;
    /** @type {Map<number, number>} */
    this.reputations = new Map();
    /** @type {Dispute[]} */
    this.disputes = [];
    /** @type {Map<string, Dispute>} */
    this.lastRaised = new Map();
    /** @type {Map<string, bigint>} */
    this.owed = new Map();
    /** Reputations that the contract reported and that do not follow. @type {{round: number, seat: number, reported: number, recomputed: number}[]} */
    this.differences = [];
  }

  /** @param {CircleEvent} event */
  apply(event) {
    const handler = HANDLERS[event.name];
    require(handler !== undefined, "an event is of no kind");
    handler(this, event);
  }

  // ------------------------------------------------------------------------------------------------ what is

  get number() {
    return this.rounds.length;
  }

  get round() {
    return this.rounds[this.rounds.length - 1];
  }

  /** Mask of the seats for which something holds. @param {(seat: Seat, number: number) => boolean} holds */
  maskWhere(holds) {
    let mask = 0n;
    for (const [number, seat] of this.seats) if (holds(seat, number)) mask |= 1n << BigInt(number);
    return mask;
  }

  get held() {
    return this.maskWhere((seat) => seat.isHeld);
  }

  get below() {
    return this.maskWhere((_, number) => this.reputationOf(number) < this.terms.reputation_floor);
  }

  get suspended() {
    return this.maskWhere((seat) => seat.suspendedUntil !== null);
  }

  get bonded() {
    return this.maskWhere((seat) => !seat.isReleased);
  }

  /** @param {number} seat @returns {number} */
  reputationOf(seat) {
    return /** @type {number} */ (this.reputations.get(seat));
  }

  /** @param {string} peer @returns {number | null} */
  seatOf(peer) {
    for (const [number, seat] of this.seats) if (seat.isHeld && seat.peer === peer) return number;
    return null;
  }

  /** It is or was the hot key of a seat not released. @param {string} key @returns {boolean} */
  isKeyTaken(key) {
    for (const seat of this.seats.values()) if (!seat.isReleased && seat.keys.has(key)) return true;
    return false;
  }

  /** @param {number} seat @returns {boolean} */
  isInRound(seat) {
    const isOpen = this.phase === PHASE.COMMIT || this.phase === PHASE.ATTEST;
    return isOpen && this.round !== undefined && this.round.commits.has(seat);
  }

  /** R26.4. @param {number} number @returns {boolean} */
  isInGoodStanding(number) {
    const seat = /** @type {Seat} */ (this.seats.get(number));
    const isAbove = this.reputationOf(number) >= this.terms.reputation_floor;
    return isAbove && seat.suspendedUntil === null && 2n * seat.bond >= this.terms.bond;
  }

  /** Its holder is the one that sat there when the claim was raised. @param {number} number @param {Dispute} dispute */
  wasThere(number, dispute) {
    const seat = this.seats.get(number);
    return seat !== undefined && !seat.isReleased && seat.sinceDispute <= dispute.claim.dispute;
  }

  // ------------------------------------------------------------------------------------- what handlers need

  /** @param {boolean} holds @param {string} fact */
  require(holds, fact) {
    require(holds, `round ${this.number}: ${fact}`);
  }

  /** @param {number} number @returns {Seat} */
  requireTaken(number) {
    const seat = this.seats.get(number);
    this.require(seat !== undefined && !seat.isReleased, `seat ${number} is empty`);
    return /** @type {Seat} */ (seat);
  }

  /** @param {number} number @returns {Seat} */
  requireHeld(number) {
    const seat = this.requireTaken(number);
    this.require(seat.isHeld, `seat ${number} was given up`);
    return seat;
  }

  /** @param {number} number @param {number} phase @returns {Round} */
  requireRound(number, phase) {
    this.require(this.phase === phase && this.round?.number === number, `round ${number} is not in that phase`);
    return this.round;
  }

  /** @param {string} account @param {bigint} amount */
  owe(account, amount) {
    if (amount > 0n) this.owed.set(account, (this.owed.get(account) ?? 0n) + amount);
  }

  /** R23.1: given up. @param {number} number @param {bigint} freeAt */
  vacate(number, freeAt) {
    const seat = /** @type {Seat} */ (this.seats.get(number));
    const others = ~(1n << BigInt(number));
    Object.assign(seat, { isHeld: false, freeAt, announced: null, strikes: 0 });
    this.woken &= others;
    if (this.phase === PHASE.COMMIT) {
      this.roster &= others;
      this.late &= others;
      this.round.commits.delete(number);
      this.round.authors.delete(number);
    }
  }

  /** R3.5. @param {number} number @param {bigint} attested */
  openRound(number, attested) {
    const wanted = (attested | this.woken) & this.held;
    this.woken = 0n;
    this.roster = wanted & ~this.dozing;
    this.late = wanted & this.dozing;
    this.phase = PHASE.COMMIT;
    this.rounds.push({
      number,
      reputations: new Map(this.reputations),
      suspended: this.suspended,
      commits: new Map(),
      authors: new Map(),
      seed: null,
      missed: 0n,
      neighbours: null,
      attestations: new Map(),
      heard: new Set(),
      isSettled: false,
      after: null,
    });
  }

  /**
   * R4: into the running hash. What an event causes comes after it.
   * @param {CircleEvent} event @param {number} seat @param {Uint8Array[]} words up to three
   */
  remember(event, seat, ...words) {
    const head = new Uint8Array(HASH_BYTES + 8);
    head.set(this.hash);
    head[HASH_BYTES] = /** @type {number} */ (KINDS.get(event.name));
    head.set(word(this.number).subarray(27), HASH_BYTES + 1);
    head.set(word(seat).subarray(30), HASH_BYTES + 6);
    const [first = EMPTY, second = EMPTY, third = EMPTY] = words;
    this.hash = keccak(join(head, first, second, third)).slice(0, HASH_BYTES);
  }
}

// ------------------------------------------------------------------------------------------- seats and keys

/** @param {Circle} circle @param {CircleEvent} event */
function applyOpened(circle, event) {
  circle.require(circle.manifest === null, "a circle opens once");
  circle.require(same(sha256(event.manifest), event.task), "the manifest is not the task's");
  const manifest = decodeManifest(event.manifest);
  circle.require(manifest.rounds === circle.terms.last_round, "manifest and contract end in different rounds");
  circle.require(manifest.degree === circle.terms.degree, "manifest and contract have different degrees");
  circle.manifest = manifest;
  circle.task = event.task;
  circle.remember(event, 0, event.task);
}

/** R3.4. @param {Circle} circle @param {CircleEvent} event */
function applyJoined(circle, event) {
  circle.require(circle.manifest !== null, "a seat was taken before the circle opened");
  circle.require(circle.phase !== PHASE.FINISHED, "a seat was taken after the end");
  circle.require(event.seat === nextSeat(circle), `seat ${event.seat} is not the next one`);
  circle.require(circle.seatOf(event.peer) === null, "a peer joined twice");
  circle.require(!circle.isKeyTaken(event.peer), "a peer joined with a key that was another seat's");
  circle.require(isEndpoint(event.endpoint), `seat ${event.seat} has an impossible endpoint`);
  const last = circle.seats.get(event.seat);
  circle.seats.set(event.seat, {
    peer: event.peer,
    cold: event.cold,
    endpoint: event.endpoint,
    bond: circle.terms.bond,
    since: circle.number,
    tenure: last ? last.tenure + 1 : 1,
    sinceDispute: circle.disputes.length,
    keys: new Set([event.peer]),
    isHeld: true,
    isReleased: false,
    freeAt: 0n,
    announced: null,
    strikes: 0,
    disputes: 0,
    attested: 0,
    restarted: 0,
    convictions: 0,
    suspendedUntil: null,
    silentUntil: 0n,
  });
  const others = ~(1n << BigInt(event.seat));
  circle.reputations.set(event.seat, INITIAL);
  circle.roster &= others;
  circle.late &= others;
  circle.dozing &= others;
  circle.woken |= ~others;
  if (circle.round) {
    circle.round.reputations.set(event.seat, INITIAL);
    circle.round.suspended &= others;
    circle.round.missed &= others;
  }
  const keys = keccak(join(addressWord(event.cold), addressWord(event.inviter)));
  circle.remember(event, event.seat, addressWord(event.peer), keys, keccak(encodeText(event.endpoint)));
  if (circle.phase === PHASE.GATHERING && count(circle.held) === circle.terms.start_seats) circle.openRound(1, 0n);
}

/** @param {Circle} circle @returns {number | null} */
function nextSeat(circle) {
  if (circle.seats.size < circle.mostSeats) return circle.seats.size;
  const released = seatsOf(circle.maskWhere((seat) => seat.isReleased));
  return released.length ? released[0] : null;
}

/** @param {Circle} circle @param {CircleEvent} event */
function applyMoved(circle, event) {
  const seat = circle.requireHeld(event.seat);
  circle.require(isEndpoint(event.endpoint), `seat ${event.seat} has an impossible endpoint`);
  seat.endpoint = event.endpoint;
  circle.remember(event, event.seat, keccak(encodeText(event.endpoint)));
}

/** R3.6. @param {Circle} circle @param {CircleEvent} event */
function applyWoken(circle, event) {
  const seat = circle.requireHeld(event.seat);
  const bit = 1n << BigInt(event.seat);
  circle.require(event.round === circle.number, `seat ${event.seat} woke in another round`);
  circle.require(circle.phase !== PHASE.FINISHED, "a seat woke after the end");
  if (seat.suspendedUntil !== null && circle.number >= seat.suspendedUntil) seat.suspendedUntil = null;
  circle.woken |= bit;
  if (circle.phase === PHASE.COMMIT && !(circle.roster & bit)) circle.late |= bit;
  circle.remember(event, event.seat);
}

/** R23.1. @param {Circle} circle @param {CircleEvent} event */
function applyLeft(circle, event) {
  const seat = circle.requireHeld(event.seat);
  const after = circle.terms.eject_after;
  const burned = after ? ((seat.bond / 2n) * BigInt(Math.min(seat.strikes, after))) / BigInt(after) : 0n;
  circle.require(event.burned === burned, `seat ${event.seat} left with another part of its bond`);
  giveUp(circle, event, seat);
}

/** R23.2. @param {Circle} circle @param {CircleEvent} event */
function applyEjected(circle, event) {
  const seat = circle.requireHeld(event.seat);
  const isStruck = circle.terms.eject_after > 0 && seat.strikes >= circle.terms.eject_after;
  const last = circle.number - ABSENT_ROUNDS;
  const isAwaited = has(circle.roster | circle.late | circle.woken, event.seat);
  const isAbsent = !isAwaited && seat.since <= last && seat.attested <= last;
  circle.require(isStruck || isAbsent, `seat ${event.seat} was ejected too early`);
  const burned = isStruck ? seat.bond / 2n : 0n;
  circle.require(event.burned === burned, `seat ${event.seat} lost another part of its bond`);
  giveUp(circle, event, seat);
}

/** @param {Circle} circle @param {CircleEvent} event @param {Seat} seat */
function giveUp(circle, event, seat) {
  seat.bond -= event.burned;
  circle.vacate(event.seat, event.free_at);
  circle.remember(event, event.seat, word(event.burned), word(event.free_at));
}

/** R23.3. @param {Circle} circle @param {CircleEvent} event */
function applyReleased(circle, event) {
  const seat = circle.requireTaken(event.seat);
  circle.require(!seat.isHeld, `seat ${event.seat} was released while it is held`);
  circle.require(seat.disputes === 0, `seat ${event.seat} was released under dispute`);
  circle.require(!circle.isInRound(event.seat), `seat ${event.seat} was released in its round`);
  circle.require(event.bond === seat.bond, `seat ${event.seat} was released with another bond`);
  seat.bond = 0n;
  seat.isReleased = true;
  circle.owe(seat.cold, event.bond);
  circle.remember(event, event.seat, word(event.bond));
}

/** R23.4. @param {Circle} circle @param {CircleEvent} event */
function applyRestarted(circle, event) {
  const seat = circle.requireHeld(event.seat);
  circle.require(!circle.isInRound(event.seat), `seat ${event.seat} started anew in its round`);
  seat.restarted = circle.number;
  circle.reputations.set(event.seat, circle.reputationOf(event.seat) >> 2);
  circle.remember(event, event.seat);
}

/** R24. @param {Circle} circle @param {CircleEvent} event */
function applyRotating(circle, event) {
  const seat = circle.requireHeld(event.seat);
  const isSame = event.peer === seat.peer && event.cold === seat.cold;
  circle.require((event.rotates_at === 0n) === isSame, `seat ${event.seat} rotates to the keys that it has`);
  if (event.peer !== seat.peer) circle.require(!circle.isKeyTaken(event.peer), "a new key is or was a seat's");
  seat.announced = isSame ? null : { peer: event.peer, cold: event.cold };
  circle.remember(event, event.seat, addressWord(event.peer), addressWord(event.cold), word(event.rotates_at));
}

/** R24. @param {Circle} circle @param {CircleEvent} event */
function applyRotated(circle, event) {
  const seat = circle.requireHeld(event.seat);
  const isAnnounced = seat.announced?.peer === event.peer && seat.announced?.cold === event.cold;
  circle.require(isAnnounced, `seat ${event.seat} rotated to other keys than announced`);
  circle.require(!circle.isInRound(event.seat), `seat ${event.seat} rotated in its round`);
  if (event.peer !== seat.peer) {
    circle.require(!circle.isKeyTaken(event.peer), "a new key is or was a seat's");
    seat.keys.add(event.peer);
  }
  Object.assign(seat, { peer: event.peer, cold: event.cold, announced: null });
  circle.remember(event, event.seat, addressWord(event.peer), addressWord(event.cold));
}

/** R27. @param {Circle} circle @param {CircleEvent} event */
function applyWithdrawn(circle, event) {
  const owed = circle.owed.get(event.account) ?? 0n;
  circle.require(event.amount > 0n && event.amount === owed, "an account took another amount than it is owed");
  circle.owed.delete(event.account);
  circle.remember(event, 0, addressWord(event.account), word(event.amount));
}

// --------------------------------------------------------------------------------------------------- rounds

/** R3.8. @param {Circle} circle @param {CircleEvent} event */
function applyCommitted(circle, event) {
  const round = circle.requireRound(event.round, PHASE.COMMIT);
  const number = event.seat;
  circle.require(has(circle.roster | circle.late, number), `seat ${number} may not commit`);
  circle.require(!round.commits.has(number), `seat ${number} committed twice`);
  circle.require(!same(event.digest, EMPTY), `seat ${number} committed nothing`);
  const seat = circle.requireHeld(number);
  round.commits.set(number, event.digest);
  round.authors.set(number, { peer: seat.peer, tenure: seat.tenure, begun: Math.max(seat.since, seat.restarted) });
  circle.roster |= 1n << BigInt(number);
  circle.late &= ~(1n << BigInt(number));
  circle.remember(event, number, event.digest);
}

/** R3.9. @param {Circle} circle @param {CircleEvent} event with `seed`, which follows from the log's block */
function applyDrawn(circle, event) {
  const isAgain = circle.phase === PHASE.ATTEST;
  const round = circle.requireRound(event.round, isAgain ? PHASE.ATTEST : PHASE.COMMIT);
  const committed = maskOf(round.commits.keys());
  circle.require(round.heard.size === 0, "a seed was drawn again after somebody attested under it");
  circle.require(event.committed === committed, "a seed was drawn for other commits");
  circle.require(round.commits.size >= circle.terms.quorum, "a seed was drawn short of the quorum");
  if (!isAgain) round.missed = circle.roster & ~committed;
  round.seed = event.seed;
  round.neighbours = drawNeighbours(event.seed, committed, circle.terms.degree);
  circle.phase = PHASE.ATTEST;
  circle.remember(event, 0, word(event.committed));
}

/** R3.10. @param {Circle} circle @param {CircleEvent} event */
function applyAttested(circle, event) {
  const said = splitVerdicts(event.verdicts);
  const round = circle.requireRound(said.round, PHASE.ATTEST);
  const seat = circle.requireHeld(event.seat);
  const seed = /** @type {Uint8Array} */ (round.seed);
  circle.require(said.seedTail === toNumber(seed.subarray(24)), `seat ${event.seat} attested under another seed`);
  circle.require(!round.heard.has(event.seat), `seat ${event.seat} attested twice`);
  circle.require((said.accepted & ~said.judged) === 0, `seat ${event.seat} accepted one that it did not judge`);
  circle.require(!same(event.record, EMPTY), `seat ${event.seat} attested without a record`);
  round.heard.add(event.seat);
  seat.attested = said.round;
  const neighbours = round.neighbours?.get(event.seat);
  if (neighbours !== undefined) {
    round.attestations.set(event.seat, {
      judged: toSeats(said.judged, neighbours),
      accepted: toSeats(said.accepted, neighbours),
      record: event.record,
    });
  }
  circle.remember(event, event.seat, word(event.verdicts), event.record);
}

/** R3.12 and R13. @param {Circle} circle @param {CircleEvent} event */
function applySettled(circle, event) {
  const round = circle.requireRound(event.round, PHASE.ATTEST);
  const attested = maskOf(round.attestations.keys());
  circle.require(event.attested === attested, "other verdicts were settled than attested");
  const isGivenUp = round.attestations.size < circle.terms.quorum;
  const after = settle(circle.reputations, round.commits.keys(), round.attestations, {
    able: isGivenUp ? 0n : circle.held & ~circle.suspended,
    missed: round.missed,
    shift: circle.terms.reputation_shift,
    floor: circle.terms.reputation_floor,
  });
  takeReputations(circle, event, after);
  const below = circle.below;
  for (const [number, seat] of circle.seats) {
    if (seat.isHeld) seat.strikes = has(below, number) ? Math.min(seat.strikes + 1, 255) : 0;
  }
  const again = circle.dozing & circle.steady & attested;
  circle.dozing &= ~maskOf(seatsOf(again).filter((seat) => circle.reputationOf(seat) >= AWAKE));
  circle.dozing |= round.missed | (maskOf(round.commits.keys()) & ~attested);
  circle.steady = circle.dozing & attested;
  round.isSettled = true;
  round.after = new Map(circle.reputations);
  const words = keccak(join(...event.reputations.map(word)));
  circle.remember(event, 0, word(attested), words, round.heard.size ? /** @type {Uint8Array} */ (round.seed) : EMPTY);
  if (event.round === circle.terms.last_round) circle.phase = PHASE.FINISHED;
  else circle.openRound(event.round + 1, attested);
}

/** What the contract says beside what follows; it goes on with what the contract says. @param {Circle} circle @param {CircleEvent} event @param {Map<number, number>} after */
function takeReputations(circle, event, after) {
  const reported = unpackReputations(event.reputations, circle.seats.size);
  const words = packReputations(after);
  if (words.every((own, place) => own === event.reputations[place])) {
    circle.reputations = after;
    return;
  }
  for (const [seat, recomputed] of after) {
    const said = /** @type {number} */ (reported.get(seat));
    if (said !== recomputed) circle.differences.push({ round: event.round, seat, reported: said, recomputed });
  }
  if (packReputations(reported).some((own, place) => own !== event.reputations[place])) {
    circle.differences.push({ round: event.round, seat: -1, reported: 0, recomputed: 0 });
  }
  circle.reputations = reported;
}

// --------------------------------------------------------------------------------------------------- faults

/** R25. @param {Circle} circle @param {CircleEvent} event */
function applyEquivocated(circle, event) {
  const seat = circle.requireTaken(event.seat);
  circle.require(event.round >= seat.since, `seat ${event.seat} was convicted of another's signatures`);
  circle.require(event.bond === seat.bond, `seat ${event.seat} lost another bond than it had`);
  circle.require(seat.isHeld || seat.bond > 0n, `seat ${event.seat} had nothing left to lose`);
  if (seat.isHeld) circle.vacate(event.seat, event.free_at);
  circle.require(event.free_at === seat.freeAt, `seat ${event.seat} is free at another time`);
  seat.bond = 0n;
  const what = keccak(join(word(event.round), word(event.free_at)));
  circle.remember(event, event.seat, what, addressWord(event.reporter), word(event.bond));
}

/** @param {CircleEvent} claim @param {number} tenure @returns {string} */
function nameClaim(claim, tenure) {
  return [claim.round, claim.judge, tenure, claim.target].join(" ");
}

/** R26.1. @param {Circle} circle @param {CircleEvent} event */
function applyDisputed(circle, event) {
  const judge = circle.requireTaken(event.judge);
  checkClaim(circle, event, judge);
  const parties = (1n << BigInt(event.judge)) | (1n << BigInt(event.target));
  const challenger = circle.seatOf(event.challenger);
  const others = ~(parties | (challenger === null ? 0n : 1n << BigInt(challenger)));
  const pool = circle.held & circle.roster & ~circle.below & ~circle.suspended & ~circle.dozing & others;
  const isAsking = same(event.evidence, EMPTY);
  if (isAsking) {
    const isBusy = circle.disputes.some((one) => one.outcome === null && one.asker !== null && one.asker === challenger);
    const mayAsk = challenger !== null && event.target === event.judge && !isBusy && circle.isInGoodStanding(challenger);
    circle.require(mayAsk, "a claim without evidence is not a seat's that may ask");
  }
  judge.disputes += 1;
  /** @type {Dispute} */
  const dispute = {
    claim: event,
    tenure: judge.tenure,
    pool,
    stage: pool > 0n ? STAGE.DRAWING : STAGE.CIRCLE,
    deadline: event.deadline,
    jury: 0n,
    juryVotes: noVotes(),
    circleVotes: noVotes(),
    asker: isAsking ? challenger : null,
    appellant: null,
    outcome: null,
  };
  circle.disputes.push(dispute);
  circle.lastRaised.set(nameClaim(event, judge.tenure), dispute);
  const words = [
    word(event.dispute), word(event.round), word(event.target), addressWord(event.challenger), event.evidence,
    word(event.electorate), word(event.deadline),
  ];
  circle.remember(event, event.judge, keccak(join(...words)));
}

/** @param {Circle} circle @param {CircleEvent} event @param {Seat} judge */
function checkClaim(circle, event, judge) {
  circle.require(event.dispute === circle.disputes.length, "a dispute was left out");
  circle.require(circle.terms.dispute_bond > 0n, "the circle has no disputes");
  const round = circle.rounds[event.round - 1];
  circle.require(round !== undefined && round.isSettled, "a dispute is about a round that is not settled");
  circle.require(circle.number - event.round <= DISPUTE_ROUNDS, "a dispute is about a round too long ago");
  circle.require(event.round >= judge.since, "a dispute is about a judge who joined later");
  circle.require(circle.seats.has(event.target), "a dispute has no target");
  const last = circle.lastRaised.get(nameClaim(event, judge.tenure));
  circle.require(last === undefined || mayBeRaisedAgain(last), "a claim was raised twice");
  // The event's deadline is one window from its block, and a trial takes four.
  const end = event.deadline + (WINDOWS - 1n) * circle.terms.dispute_window_s;
  circle.require(judge.isHeld || end <= judge.freeAt, `a dispute could outlast seat ${event.judge}'s unbonding`);
  circle.require(event.electorate === circle.bonded, "a dispute has another electorate than is bonded");
  circle.require(count(event.electorate) >= circle.terms.quorum, "a dispute has too small an electorate");
}

/** R26.5: void, or nobody had the jury drawn. @param {Dispute} dispute @returns {boolean} */
function mayBeRaisedAgain(dispute) {
  return dispute.outcome !== null && (dispute.outcome === OUTCOME.VOID || dispute.stage === STAGE.DRAWING);
}

/** @param {Circle} circle @param {number} number @param {number[]} stages @returns {Dispute} */
function requireDispute(circle, number, ...stages) {
  const dispute = circle.disputes[number];
  circle.require(dispute !== undefined && dispute.outcome === null, `dispute ${number} is not open`);
  circle.require(stages.includes(dispute.stage), `dispute ${number} is in another stage`);
  return dispute;
}

/** R26.2. @param {Circle} circle @param {CircleEvent} event */
function applySummoned(circle, event) {
  const dispute = requireDispute(circle, event.dispute, STAGE.DRAWING);
  const jury = drawJury(event.seed, dispute.pool, circle.terms.jury_seats);
  circle.require(event.jury === jury, `dispute ${event.dispute} has another jury than was drawn`);
  Object.assign(dispute, { jury, stage: STAGE.JURY, deadline: event.deadline });
  const words = [word(event.dispute), event.seed, word(event.jury), word(event.deadline)];
  circle.remember(event, dispute.claim.judge, keccak(join(...words)));
}

/** R26.4. @param {Circle} circle @param {CircleEvent} event */
function applyVoted(circle, event) {
  const dispute = requireDispute(circle, event.dispute, STAGE.JURY, STAGE.CIRCLE);
  const isJury = dispute.stage === STAGE.JURY;
  const votes = isJury ? dispute.juryVotes : dispute.circleVotes;
  const asked = (isJury ? dispute.jury : dispute.claim.electorate) & ~castOf(votes);
  circle.require(event.answer in ANSWERS, `seat ${event.seat} answered with nothing`);
  const mayVote = has(asked, event.seat) && circle.wasThere(event.seat, dispute) && circle.isInGoodStanding(event.seat);
  circle.require(mayVote, `seat ${event.seat} voted uncalled`);
  votes[/** @type {keyof Votes} */ (ANSWERS[event.answer])] |= 1n << BigInt(event.seat);
  circle.remember(event, event.seat, word(event.dispute), word(event.answer));
}

/** R26.5, after the jury. @param {Circle} circle @param {CircleEvent} event */
function applyReferred(circle, event) {
  const dispute = requireDispute(circle, event.dispute, STAGE.JURY);
  const { juryVotes: votes, jury } = dispute;
  const size = count(jury);
  const against = count(againstJudge(votes));
  const window = circle.terms.dispute_window_s;
  // The new deadline is a window from the block, so that block's time follows from it.
  const isLate = event.deadline - window >= dispute.deadline;
  const isDecided = 2 * Math.max(against, count(votes.rejecting)) > size || castOf(votes) === jury;
  circle.require(isLate || isDecided, `dispute ${event.dispute} has open votes`);
  const next = 2 * against > size ? STAGE.CIRCLE : STAGE.APPEAL;
  circle.require(event.stage === next, `dispute ${event.dispute} was referred against its votes`);
  if (isLate) chargeSilent(circle, dispute, jury & ~castOf(votes));
  Object.assign(dispute, { stage: next, deadline: event.deadline });
  const words = [word(event.dispute), word(event.stage), word(event.deadline)];
  circle.remember(event, dispute.claim.judge, ...words);
}

/** @param {Circle} circle @param {Dispute} dispute @param {bigint} silent mask */
function chargeSilent(circle, dispute, silent) {
  const begun = dispute.deadline - circle.terms.dispute_window_s;
  for (const number of seatsOf(silent)) {
    const seat = /** @type {Seat} */ (circle.seats.get(number));
    const isThere = circle.wasThere(number, dispute) && circle.isInGoodStanding(number);
    if (!isThere || seat.silentUntil > begun) continue;
    seat.silentUntil = dispute.deadline;
    circle.reputations.set(number, lessen(circle.reputationOf(number), circle.terms.reputation_shift));
  }
}

/** @param {Circle} circle @param {CircleEvent} event */
function applyAppealed(circle, event) {
  const dispute = requireDispute(circle, event.dispute, STAGE.APPEAL);
  Object.assign(dispute, { stage: STAGE.CIRCLE, deadline: event.deadline, appellant: event.appellant });
  const words = [word(event.dispute), addressWord(event.appellant), word(event.deadline)];
  circle.remember(event, dispute.claim.judge, ...words);
}

/** @param {Dispute} dispute @returns {number} */
function outcomeOf(dispute) {
  if (dispute.stage === STAGE.DRAWING) return OUTCOME.REJECTED;
  const isCircle = dispute.stage === STAGE.CIRCLE;
  const votes = isCircle ? dispute.circleVotes : dispute.juryVotes;
  const size = count(isCircle ? dispute.claim.electorate : dispute.jury);
  if (isCircle && 2 * count(againstJudge(votes)) > size) return OUTCOME.UPHELD;
  return 2 * count(votes.rejecting) > size ? OUTCOME.REJECTED : OUTCOME.VOID;
}

/** R26.5 and R26.6. @param {Circle} circle @param {CircleEvent} event */
function applyResolved(circle, event) {
  const dispute = requireDispute(circle, event.dispute, STAGE.DRAWING, STAGE.APPEAL, STAGE.CIRCLE);
  const { claim } = dispute;
  const judge = circle.requireTaken(claim.judge);
  circle.require(event.outcome === outcomeOf(dispute), `dispute ${event.dispute} ended against its votes`);
  fineJurors(circle, dispute);
  dispute.outcome = event.outcome;
  judge.disputes -= 1;
  if (event.outcome === OUTCOME.UPHELD) {
    convict(circle, event, claim.judge, judge);
    circle.owe(claim.challenger, event.fine / 4n);
  } else {
    circle.require(event.fine === 0n && event.free_at === 0n, `dispute ${event.dispute} fined who was not convicted`);
  }
  const isOnlyAsked = dispute.asker !== null && dispute.stage !== STAGE.DRAWING;
  if (event.outcome !== OUTCOME.REJECTED || isOnlyAsked) circle.owe(claim.challenger, circle.terms.dispute_bond);
  if (event.outcome !== OUTCOME.REJECTED && dispute.appellant !== null) {
    circle.owe(dispute.appellant, APPEAL_BONDS * circle.terms.dispute_bond);
  }
  const ended = keccak(join(word(event.fine), word(event.free_at)));
  circle.remember(event, claim.judge, word(event.dispute), word(event.outcome), ended);
}

/** Jurors against whom more than half of the electorate recomputed. @param {Circle} circle @param {Dispute} dispute */
function fineJurors(circle, dispute) {
  const size = count(dispute.claim.electorate);
  const { circleVotes: votes, juryVotes } = dispute;
  let mistaken = 0n;
  if (2 * count(votes.upholding) > size) mistaken = juryVotes.rejecting;
  else if (2 * count(votes.rejecting) > size) mistaken = juryVotes.upholding;
  for (const number of seatsOf(mistaken)) {
    if (!circle.wasThere(number, dispute)) continue;
    const seat = /** @type {Seat} */ (circle.seats.get(number));
    seat.bond -= smaller(seat.bond, circle.terms.bond / 8n);
    circle.reputations.set(number, lessen(circle.reputationOf(number), circle.terms.reputation_shift));
  }
}

/** @param {Circle} circle @param {CircleEvent} event @param {number} number @param {Seat} judge */
function convict(circle, event, number, judge) {
  const isLast = judge.convictions >= 1;
  const due = isLast ? judge.bond : smaller(judge.bond, circle.terms.bond / 2n);
  circle.require(event.fine === due, `dispute ${event.dispute} cost the judge another sum`);
  circle.require((event.free_at !== 0n) === (isLast && judge.isHeld), `seat ${number} was given up or not by mistake`);
  judge.convictions += 1;
  judge.bond -= event.fine;
  judge.suspendedUntil = circle.number + SUSPENDED_ROUNDS;
  circle.reputations.set(number, circle.reputationOf(number) >> 2);
  if (event.free_at !== 0n) circle.vacate(number, event.free_at);
}

/** @type {Record<string, (circle: Circle, event: CircleEvent) => void>} */
const HANDLERS = {
  Opened: applyOpened,
  Joined: applyJoined,
  Moved: applyMoved,
  Woken: applyWoken,
  Committed: applyCommitted,
  Drawn: applyDrawn,
  Attested: applyAttested,
  Settled: applySettled,
  Left: applyLeft,
  Ejected: applyEjected,
  Released: applyReleased,
  Rotating: applyRotating,
  Rotated: applyRotated,
  Equivocated: applyEquivocated,
  Disputed: applyDisputed,
  Summoned: applySummoned,
  Voted: applyVoted,
  Resolved: applyResolved,
  Withdrawn: applyWithdrawn,
  Referred: applyReferred,
  Appealed: applyAppealed,
  Restarted: applyRestarted,
};

/** Eligible seats of a round (R12). @param {Round} round @param {number} floor @returns {Set<number>} */
export function eligibleOf(round, floor) {
  const seats = [...round.commits.keys()];
  return new Set(
    seats.filter((seat) => !has(round.suspended, seat) && /** @type {number} */ (round.reputations.get(seat)) >= floor),
  );
}

/** A running hash as text. @param {Circle} circle @returns {string} */
export function nameHash(circle) {
  return toHex(circle.hash);
}
