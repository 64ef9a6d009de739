// From blobs to verdicts (R10, R28) under the rules that this reader can recompute: R12.1 and R12.2.

import { Fault, has, Missing, require, same } from "./bytes.js";
import { screenBalance, screenNone } from "./balance.js";
import { readBlob } from "./blobs.js";
import { blockEnds, decodeState, mostUpdateBytes } from "./codec.js";
import { decodeGenesis, decodeUpdate, digestState, encodeRecord, NO_MEMORY, readReference } from "./contents.js";

/** @typedef {import("./fold.js").Circle} Circle */
/** @typedef {import("./fold.js").Round} Round */
/** @typedef {import("./contents.js").Entry} Entry */
/** @typedef {{state: Int32Array, base: Uint8Array, depth: number}} Public a state; so many frames behind a key frame */

export const RULES = ["balance", "none"];
const MAX_CHAIN = 16;
const STATES_BYTES = 2 ** 28;

/**
 * @typedef {object} Screened what follows for one judge
 * @property {bigint} judged mask
 * @property {bigint} accepted mask
 * @property {Uint8Array} base the digest that the judge's own update names
 * @property {Uint8Array} nextBase digest
 * @property {Int32Array} nextState what that is the digest of
 * @property {(checkpoint: Uint8Array) => Uint8Array} encodeRecord the record blob, for a checkpoint's digest
 */

/** Public states of one circle, decoded when they are asked for; the last ones are kept. */
export class States {
  /** @param {Circle} circle @param {Uint8Array} network @param {import("./blobs.js").BlockStore} store */
  constructor(circle, network, store) {
    this.circle = circle;
    this.network = network;
    this.store = store;
    const manifest = /** @type {import("./manifest.js").Manifest} */ (circle.manifest);
    this.manifest = manifest;
    this.ends = blockEnds(manifest.sizes);
    this.most = mostUpdateBytes(this.ends);
    this.genesis = decodeGenesis(readBlob(store, manifest.genesis, this.most), this.ends);
    /** @type {Map<string, Public | Fault>} */
    this.kept = new Map();
    this.room = Math.max(4, Math.floor(STATES_BYTES / (4 * this.genesis.length)));
  }

  /**
   * The public state of a commit. Throws Missing where a blob is not in the file, another Fault where it is invalid.
   * @param {Round} round @param {number} seat
   * @returns {Public}
   */
  decode(round, seat) {
    this.requireWhole(round, seat);
    return this.decodeLink(round, seat);
  }

  /** R28: what an update hangs on is told by references alone, and what is not to be had comes before all faults. @param {Round} round @param {number} seat */
  requireWhole(round, seat) {
    const { begun } = /** @type {{begun: number}} */ (round.authors.get(seat));
    /** @type {Round | null} */
    let at = round;
    for (let link = 0; at !== null && link <= MAX_CHAIN; link++) {
      if (link > 0 && this.kept.has(`${at.number} ${seat}`)) return;
      let reference;
      try {
        const blob = readBlob(this.store, /** @type {Uint8Array} */ (at.commits.get(seat)), this.most);
        reference = readReference(blob);
      } catch (error) {
        if (error instanceof Missing || !(error instanceof Fault)) throw error;
        return;
      }
      if (this.manifest.codec !== "delta" || reference.length === 0) return;
      at = this.findPrevious(at, seat, begun);
    }
  }

  /** @param {Round} round @param {number} seat @returns {Public} */
  decodeLink(round, seat) {
    const key = `${round.number} ${seat}`;
    let found = this.kept.get(key);
    if (found === undefined) {
      try {
        found = this.decodeFresh(round, seat);
      } catch (error) {
        if (error instanceof Missing || !(error instanceof Fault)) throw error;
        found = error;
      }
    }
    this.keep(key, found);
    if (found instanceof Fault) throw found;
    return found;
  }

  /** @param {string} key @param {Public | Fault} found */
  keep(key, found) {
    this.kept.delete(key);
    this.kept.set(key, found);
    if (this.kept.size > this.room) this.kept.delete(/** @type {string} */ (this.kept.keys().next().value));
  }

  /** @param {Round} round @param {number} seat @returns {Public} */
  decodeFresh(round, seat) {
    const author = /** @type {{peer: string, tenure: number, begun: number}} */ (round.authors.get(seat));
    const blob = readBlob(this.store, /** @type {Uint8Array} */ (round.commits.get(seat)), this.most);
    const expected = { network: this.network, round: round.number, author: author.peer, codec: this.manifest.codec };
    const update = decodeUpdate(blob, expected);
    let previous = null;
    let depth = 0;
    if (update.reference.length) {
      // R28: relative to the same holder's previous commit, and not too far from a key frame.
      const before = this.findPrevious(round, seat, author.begun);
      const isIt = before !== null && same(/** @type {Uint8Array} */ (before.commits.get(seat)), update.reference);
      if (!isIt) throw new Fault("an update is relative to another than its author's previous commit");
      const last = this.decodeLink(/** @type {Round} */ (before), seat);
      depth = last.depth + 1;
      require(depth <= MAX_CHAIN, "an update is more than 16 frames away from a key frame");
      previous = last.state;
    }
    const state = decodeState(update.payload, this.manifest.codec, this.ends, previous, this.genesis);
    return { state, base: update.base, depth };
  }

  /** @param {Round} round @param {number} seat @param {number} begun @returns {Round | null} */
  findPrevious(round, seat, begun) {
    for (let number = round.number - 1; number >= Math.max(begun, 1); number--) {
      if (this.circle.rounds[number - 1].commits.has(seat)) return this.circle.rounds[number - 1];
    }
    return null;
  }
}

/**
 * What follows for a judge that said it judged these neighbours. Throws Missing where a blob is lacking.
 * @param {States} states @param {Round} round @param {number} judge @param {Set<number>} eligible
 * @returns {Screened}
 */
export function screenJudge(states, round, judge, eligible) {
  const said = /** @type {import("./fold.js").Attestation} */ (round.attestations.get(judge));
  const own = states.decode(round, judge);
  const neighbours = [...(round.neighbours?.get(judge) ?? [])].sort((one, other) => one - other);
  /** @type {Map<number, Int32Array>} */
  const decoded = new Map();
  const invalid = new Set();
  for (const seat of neighbours.filter((one) => has(said.judged, one))) {
    try {
      decoded.set(seat, states.decode(round, seat).state);
    } catch (error) {
      if (!(error instanceof Fault) || error instanceof Missing) throw error;
      invalid.add(seat);
    }
  }
  const { manifest } = states;
  const outcome =
    manifest.rule === "balance"
      ? screenBalance(manifest.parameters, own.state, decoded, eligible, round.number, manifest.rounds)
      : screenNone(own.state, decoded);
  const nextBase = digestState(outcome.nextBase);
  let accepted = 0n;
  for (const [seat, isAccepted] of outcome.accepted) if (isAccepted) accepted |= 1n << BigInt(seat);
  /** @param {number} seat @returns {Entry} */
  const makeEntry = (seat) => {
    const digest = /** @type {Uint8Array} */ (round.commits.get(seat));
    const verdict = outcome.accepted.get(seat);
    if (verdict === undefined) {
      return { seat, digest, verdict: invalid.has(seat) ? "invalid" : "unavailable", mixed: false, figures: new Map() };
    }
    const figures = new Map([.../** @type {Map<string, bigint>} */ (outcome.figures.get(seat))].map(([name, value]) => [name, value.toString()]));
    return { seat, digest, verdict: verdict ? "accepted" : "rejected", mixed: outcome.mixed.has(seat), figures };
  };
  return {
    judged: said.judged,
    accepted,
    base: own.base,
    nextBase,
    nextState: outcome.nextBase,
    encodeRecord: (checkpoint) =>
      encodeRecord({
        network: states.network,
        round: round.number,
        author: /** @type {{peer: string}} */ (round.authors.get(judge)).peer,
        base: own.base,
        update: /** @type {Uint8Array} */ (round.commits.get(judge)),
        entries: neighbours.map(makeEntry),
        nextBase,
        nextMemory: NO_MEMORY,
        checkpoint,
      }),
  };
}
