// A bundle checks itself (R32): every block, proofs of state, the running hash, reputations, and verdicts where the
// rule can be recomputed here.

import {
  decodeText, encodeText, Fault, fromHex, has, join, Missing, require, same, seatsOf, toHex, toNumber, word,
} from "./bytes.js";
import { DAG_JSON, formatName, parseName, RAW, readCar } from "./blobs.js";
import { digestBlob, encodeCheckpoint, isCheckpointDue } from "./checkpoint.js";
import { digestState, nameNetwork } from "./contents.js";
import { deriveSeed } from "./draw.js";
import { decodeLog } from "./events.js";
import { Circle, eligibleOf, packReputations } from "./fold.js";
import { keccak } from "./hashes.js";
import { decodeRlp, readProof } from "./proofs.js";
import { RULES, screenJudge, States } from "./screening.js";
import { recoverSigner } from "./signatures.js";

/** In the order of R3.1, behind TASK. */
const IMMUTABLES = [
  "START_SEATS", "QUORUM", "LAST_ROUND", "COMMIT_WINDOW_S", "ATTEST_WINDOW_S", "DEGREE", "REPUTATION_SHIFT",
  "REPUTATION_FLOOR", "EJECT_AFTER", "BOND", "UNBONDING_S", "ROTATION_DELAY_S", "DISPUTE_BOND", "DISPUTE_WINDOW_S",
  "JURY_SEATS", "ADMISSION", "INVITER", "COURT",
];
const REPUTATION_SLOT = 79;
const SLOTS = [0, ...Array.from({ length: 16 }, (_, place) => REPUTATION_SLOT + place)];
const ROOT_FIELDS =
  "blobs block calls chain_id code contract events headers invalid kind made manifest missing receipts scope state transactions version";
const EVENT_FIELDS = "block block_hash data index topics transaction";
const MOST_TOLD = 200;

/** @typedef {{what: string, is: "right" | "wrong" | "unknown", said: string}} Line what was looked at, and what came of it */
/** @typedef {{runtime: string, runtimeBytes: number, court: string}} KnownCode keccak of this version's codes, hex */

/**
 * @typedef {object} Verdict
 * @property {string} root the bundle's
 * @property {number} chainId
 * @property {string} contract
 * @property {{number: number, hash: string}} block
 * @property {Line[]} lines
 * @property {{round: number, judge: number, fact: string}[]} findings up to MOST_TOLD
 * @property {number} findingCount
 * @property {boolean} isClean nothing was found that is wrong
 */

/**
 * @param {Uint8Array} file
 * @param {KnownCode | null} known
 * @param {(done: number, all: number, what: string) => Promise<void>} [pause] called between parts of the work
 * @returns {Promise<Verdict>}
 */
export async function verifyBundle(file, known, pause = async () => {}) {
  await pause(0, 1, "hashing blocks");
  const { roots, store } = readCar(file);
  const read = (/** @type {any} */ link) => readJson(store, linked(link));
  require(roots[0].codec === DAG_JSON, "the file's root is no bundle's");
  const root = readJson(store, roots[0]);
  require(root.kind === "folkmoot-bundle" && root.version === 1, "the file is no bundle of a version that this page reads");
  checkFields(root, ROOT_FIELDS);
  checkFields(root.block, "hash number rlp time_s");
  checkFields(root.scope, "first sample seed seed_block");
  const found = new Found(root, formatName(roots[0]));
  found.right("blocks", `all ${store.blocks.size} blocks hash to their names`);
  const code = readRaw(store, root.code.circle);
  const terms = checkCode(found, code, readRaw(store, root.code.court), known);
  checkState(found, root, root.state === null ? null : read(root.state), code);
  await pause(0, 1, "folding events");
  const circle = foldEvents(found, root, read, terms);
  if (circle !== null) await checkVerdicts(found, circle, nameNetwork(root.chain_id, root.contract), store, root.scope, pause);
  checkSignatures(found, roots, store);
  found.unknown("the rest", "receipts, transactions, votes and copies are not looked at by this page; `folkmoot audit` does");
  return found.finish();
}

/** What came of it so far. */
class Found {
  /** @param {any} root @param {string} name */
  constructor(root, name) {
    this.root = root;
    this.name = name;
    /** @type {Line[]} */
    this.lines = [];
    /** @type {{round: number, judge: number, fact: string}[]} */
    this.findings = [];
    this.findingCount = 0;
  }

  /** @param {string} what @param {string} said */
  right(what, said) {
    this.lines.push({ what, is: "right", said });
  }

  /** @param {string} what @param {string} said */
  wrong(what, said) {
    this.lines.push({ what, is: "wrong", said });
  }

  /** @param {string} what @param {string} said */
  unknown(what, said) {
    this.lines.push({ what, is: "unknown", said });
  }

  /** @param {number} round @param {number} judge @param {string} fact */
  add(round, judge, fact) {
    this.findingCount += 1;
    if (this.findings.length < MOST_TOLD) this.findings.push({ round, judge, fact });
  }

  /** @returns {Verdict} */
  finish() {
    const { chain_id: chainId, contract, block } = this.root;
    const isClean = this.findingCount === 0 && this.lines.every((line) => line.is !== "wrong");
    const { lines, findings, findingCount } = this;
    return { root: this.name, chainId, contract, block: { number: block.number, hash: block.hash }, lines, findings, findingCount, isClean };
  }
}

/** R32.5: all roots but the first. @param {Found} found @param {import("./blobs.js").BlockName[]} roots @param {import("./blobs.js").BlockStore} store */
function checkSignatures(found, roots, store) {
  const network = nameNetwork(found.root.chain_id, found.root.contract);
  const type = keccak(encodeText("Bundle(bytes32 root,uint256 claimed)"));
  for (const name of roots.slice(1)) {
    const one = readJson(store, name);
    const isIts = one.kind === "folkmoot-bundle-signature" && one.version === 1 && one.bundle["/"] === found.name;
    require(isIts, "a signature is of another bundle");
    const fields = keccak(join(type, roots[0].digest, word(one.claimed_s)));
    const signer = recoverSigner(keccak(join(Uint8Array.of(0x19, 1), network, fields)), fromHex(one.signature));
    require(signer === one.signer, "a signature is not its signer's");
    found.right("signature", `${signer} signed this bundle`);
  }
  if (roots.length === 1) found.unknown("signature", "nobody signed this bundle");
}

/** R32.1: a dag-json block, in its one spelling. @param {import("./blobs.js").BlockStore} store @param {import("./blobs.js").BlockName} name @returns {any} */
function readJson(store, name) {
  require(name.codec === DAG_JSON, "a link to a table or to the root is of another codec");
  const text = decodeText(store.get(name));
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Fault("a block of the bundle is no JSON");
  }
  const sorted = (/** @type {string} */ _, /** @type {any} */ one) =>
    one === null || typeof one !== "object" || Array.isArray(one)
      ? one
      : Object.fromEntries(Object.keys(one).sort().map((key) => [key, one[key]]));
  require(JSON.stringify(value, sorted) === text, "a block of the bundle is not in its one spelling");
  return value;
}

/** [REJECT] R32.2, R32.3: exactly these fields. @param {any} value @param {string} fields */
function checkFields(value, fields) {
  const isIt = value !== null && typeof value === "object" && Object.keys(value).sort().join(" ") === fields;
  require(isIt, `a block of the bundle has other fields than ${fields}`);
}

/** @param {any} link @returns {import("./blobs.js").BlockName} */
function linked(link) {
  require(link !== null && typeof link === "object" && typeof link["/"] === "string", "a link is none");
  return parseName(link["/"]);
}

/** @param {import("./blobs.js").BlockStore} store @param {any} link @returns {Uint8Array} */
function readRaw(store, link) {
  const name = linked(link);
  require(name.codec === RAW, "a link to bytes is of another codec");
  return store.get(name);
}

/** @param {Found} found @param {Uint8Array} code @param {Uint8Array} court @param {KnownCode | null} known */
function checkCode(found, code, court, known) {
  const begin = code.length - 32 * (1 + IMMUTABLES.length);
  require(begin > 0, "the circle's code is too short to be one");
  if (known === null) found.unknown("code", "not compared: this page knows no version of the contract");
  else {
    const isOurs = begin === known.runtimeBytes && toHex(keccak(code.subarray(0, begin))) === known.runtime;
    if (isOurs && toHex(keccak(court)) === known.court) found.right("code", "the circle's and the court's are this version's");
    else found.wrong("code", "the circle's or the court's is not this version's");
  }
  /** @type {Record<string, bigint>} */
  const words = {};
  IMMUTABLES.forEach((name, place) => {
    words[name] = toNumber(code.subarray(begin + 32 * (place + 1), begin + 32 * (place + 2)));
  });
  return {
    task: code.subarray(begin, begin + 32),
    start_seats: Number(words.START_SEATS),
    quorum: Number(words.QUORUM),
    last_round: Number(words.LAST_ROUND),
    degree: Number(words.DEGREE),
    reputation_shift: Number(words.REPUTATION_SHIFT),
    reputation_floor: Number(words.REPUTATION_FLOOR),
    eject_after: Number(words.EJECT_AFTER),
    bond: words.BOND,
    dispute_bond: words.DISPUTE_BOND,
    dispute_window_s: words.DISPUTE_WINDOW_S,
    jury_seats: Number(words.JURY_SEATS),
  };
}

/** R32.4. @param {Found} found @param {any} root @param {any} state @param {Uint8Array} code */
function checkState(found, root, state, code) {
  const { block, contract, calls } = root;
  if (block.rlp === null) {
    require(state === null, "the state is proved against a header that is not there");
    found.unknown("block", "its hash and time are an endpoint's word: there is no header");
    found.unknown("state", "running hash, reputations and code are an endpoint's word: there are no proofs of state");
    return;
  }
  const rlp = fromHex(block.rlp);
  require(toHex(keccak(rlp)) === block.hash.slice(2), "the block's header does not hash to the block's hash");
  const header = decodeRlp(rlp);
  const isTold = toNumber(header[8]) === BigInt(block.number) && toNumber(header[11]) === BigInt(block.time_s);
  require(isTold, "the block's header has another number or time than is told");
  found.right("block", `number ${block.number} and its time follow from its hash ${block.hash}`);
  if (state === null) {
    found.unknown("state", "running hash, reputations and code are an endpoint's word: there are no proofs of state");
    return;
  }
  checkFields(state, "account storage");
  const nodes = (/** @type {string[]} */ texts) => texts.map(fromHex);
  const account = readProof(header[3], keccak(fromHex(contract)), nodes(state.account));
  require(account !== null, "the block's state has no such contract");
  const [, , storageRoot, codeHash] = decodeRlp(/** @type {Uint8Array} */ (account));
  require(same(codeHash, keccak(code)), "the contract's code is another than the block's state has");
  const slots = new Map();
  for (const one of state.storage) {
    checkFields(one, "proof slot value");
    require(Number.isSafeInteger(one.slot), "a slot has no number");
    const value = readProof(storageRoot, keccak(word(one.slot)), nodes(one.proof));
    slots.set(one.slot, value === null ? 0n : toNumber(decodeRlp(value)));
    require(toHex(word(slots.get(one.slot))) === String(one.value).slice(2), "a slot of the contract's storage holds another word");
  }
  const areAll = slots.size === state.storage.length && [...slots.keys()].join() === SLOTS.join();
  require(areAll, "the state proves other slots than the running hash's and the reputations'");
  require(toHex(word(slots.get(0)).subarray(0, 24)) === calls.history.slice(2), "the running hash is another than the block's state has");
  calls.reputation_words.forEach((/** @type {string} */ text, /** @type {number} */ place) => {
    require(slots.get(REPUTATION_SLOT + place) === BigInt(text), "a reputation is another than the block's state has");
  });
  found.right("state", "code, running hash and reputations follow from the block's hash");
}

/**
 * @param {Found} found @param {any} root @param {(link: any) => any} read @param {any} terms
 * @returns {Circle | null} null where the events are impossible
 */
function foldEvents(found, root, read, terms) {
  const circle = new Circle(terms);
  let events = 0;
  let [block, index] = [-1, -1];
  try {
    for (const page of root.events) {
      for (const row of read(page)) {
        checkFields(row, EVENT_FIELDS);
        const isLater = row.block > block || (row.block === block && row.index > index);
        require(isLater && row.block <= root.block.number, "events are out of order, or later than the bundle's block");
        [block, index] = [row.block, row.index];
        const event = decodeLog(row.topics.map(fromHex), fromHex(row.data));
        if (event.name === "Drawn") event.seed = deriveSeed(fromHex(row.block_hash), event.round, root.contract);
        circle.apply(event);
        events += 1;
      }
    }
    require(circle.task !== null && same(circle.task, terms.task), "the manifest is not the one that the code names");
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    found.wrong("history", `event ${events + 1} cannot have come from this contract: ${error.message}`);
    return null;
  }
  if (toHex(circle.hash) === root.calls.history.slice(2)) {
    found.right("history", `${events} events fold to the contract's running hash ${toHex(circle.hash)}`);
  } else found.wrong("history", `${events} events fold to ${toHex(circle.hash)}, the contract has ${root.calls.history.slice(2)}`);
  const settled = circle.rounds.filter((round) => round.isSettled);
  const counted = settled.reduce((all, round) => all + round.reputations.size, 0);
  const words = packReputations(circle.reputations);
  const isStored = words.every((own, place) => own === BigInt(root.calls.reputation_words[place]));
  if (circle.differences.length === 0 && isStored) found.right("reputations", `${counted} follow from the verdicts, in ${settled.length} settled rounds`);
  else {
    found.wrong("reputations", `${circle.differences.length} do not follow from the verdicts${isStored ? "" : ", and those stored are others"}`);
    for (const one of circle.differences) {
      found.add(one.round, one.seat, `the contract's reputation is ${one.reported}, the verdicts give ${one.recomputed}`);
    }
  }
  return circle;
}

/**
 * @param {Found} found @param {Circle} circle @param {Uint8Array} network @param {import("./blobs.js").BlockStore} store
 * @param {any} scope @param {(done: number, all: number, what: string) => Promise<void>} pause
 */
async function checkVerdicts(found, circle, network, store, scope, pause) {
  const { rule, privacy } = /** @type {import("./manifest.js").Manifest} */ (circle.manifest);
  if (!RULES.includes(rule) || privacy !== null) {
    const why = privacy === null ? `under rule ${rule}` : `under rule ${rule} with privacy terms`;
    found.unknown("verdicts", `not recomputed by this page ${why}; \`folkmoot audit\` does, from this very file`);
    return;
  }
  let states;
  try {
    states = new States(circle, network, store);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    found.unknown("verdicts", `not recomputed: the genesis is not to be had, or is none (${error.message})`);
    return;
  }
  const counts = { verdicts: 0, false: 0, records: 0, wrongRecords: 0, left: 0 };
  const genesis = digestState(states.genesis);
  /** [REJECT] R32.2 @type {number} */
  const first = scope.first;
  const isSpan = Number.isSafeInteger(first) && first >= 0 && (scope.sample === null || Number.isSafeInteger(scope.sample));
  require(isSpan, "the bundle does not say which rounds it is good for");
  const opened = circle.rounds.filter((one) => one.seed !== null);
  const skipped = opened.filter((one) => one.number < first).length;
  if (skipped > 0) found.unknown("rounds before", `${skipped} of ${opened.length}, before round ${first}, are not looked at: the bundle was not made for them`);
  if (scope.sample !== null) found.unknown("sample", `the bundle was made for ${scope.sample} attestations, drawn as its maker chose`);
  /** Seat → what its holder goes on with, null where that is not known here. @type {Map<number, {begun: number, tenure: number, base: Uint8Array | null, attested: number}>} */
  const bases = new Map();
  for (const round of opened) {
    await pause(round.number, circle.rounds.length, `round ${round.number} of ${circle.rounds.length}`);
    const eligible = eligibleOf(round, circle.terms.reputation_floor);
    for (const [judge, said] of round.attestations) {
      const author = /** @type {{peer: string, tenure: number, begun: number}} */ (round.authors.get(judge));
      const last = bases.get(judge);
      const isHolder = last !== undefined && last.tenure === author.tenure;
      const before = {
        base: isHolder && last.begun === author.begun ? last.base : genesis,
        attested: isHolder ? last.attested : round.number - 1,
      };
      const next = { ...author, base: /** @type {Uint8Array | null} */ (null), attested: round.number };
      bases.set(judge, next);
      if (round.number < first) continue;
      try {
        const screened = screenJudge(states, round, judge, eligible);
        next.base = screened.nextBase;
        const wrong = seatsOf(screened.accepted ^ said.accepted);
        counts.verdicts += seatsOf(said.judged).length;
        counts.false += wrong.length;
        for (const seat of wrong) {
          const [claimed, follows] = has(said.accepted, seat) ? ["accepted", "rejected"] : ["rejected", "accepted"];
          found.add(round.number, judge, `it ${claimed} seat ${seat}; what follows is ${follows}`);
        }
        checkRecord(found, states, round, judge, screened, before, counts);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        counts.left += 1;
        if (!(error instanceof Missing)) found.add(round.number, judge, `it attested, and its own update is invalid: ${error.message}`);
      }
    }
  }
  if (counts.verdicts === 0) found.unknown("verdicts", "none was recomputed");
  else if (counts.false) found.wrong("verdicts", `${counts.false} of ${counts.verdicts} are not what rule ${rule} gives`);
  else found.right("verdicts", `${counts.verdicts} are what rule ${rule} gives`);
  if (counts.wrongRecords) found.wrong("records", `${counts.wrongRecords} records or bases do not follow`);
  else if (counts.records === 0) found.unknown("records", "none was recomputed");
  else found.right("records", `${counts.records} records and bases follow`);
  if (counts.left) found.unknown("left out", `${counts.left} attestations: a blob that they follow from is not in the file, or an update is invalid`);
}

/**
 * The record that follows is the one that is anchored, and its update names the base that follows.
 * @param {Found} found @param {States} states @param {import("./fold.js").Round} round @param {number} judge
 * @param {import("./screening.js").Screened} screened @param {{base: Uint8Array | null, attested: number}} last
 * @param {{records: number, wrongRecords: number}} counts
 */
function checkRecord(found, states, round, judge, screened, last, counts) {
  const { checkpointEvery, rounds } = states.manifest;
  const { peer } = /** @type {{peer: string}} */ (round.authors.get(judge));
  const said = /** @type {import("./fold.js").Attestation} */ (round.attestations.get(judge));
  counts.records += 1;
  const isDue = isCheckpointDue(round.number, judge, last.attested, checkpointEvery, rounds);
  const checkpoint = isDue
    ? digestBlob(encodeCheckpoint(states.network, round.number, peer, screened.nextState, states.genesis, states.ends))
    : new Uint8Array(0);
  const isBase = last.base === null || same(last.base, screened.base);
  if (isBase && same(digestBlob(screened.encodeRecord(checkpoint)), said.record)) return;
  counts.wrongRecords += 1;
  found.add(round.number, judge, isBase ? "its record is not the one that follows" : "its update names another base than follows");
}
