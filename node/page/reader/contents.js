// What genesis, updates and records say: R8 and R14.

import { addressWord, encodeText, fromHex, join, require, same, word } from "./bytes.js";
import { decodeState, isKeyFrame } from "./codec.js";
import { keccak, sha256 } from "./hashes.js";
import { decodeMsgpack, encodeMsgpack } from "./msgpack.js";

/** SHA-256 of the empty memory (R8). */
export const NO_MEMORY = sha256(new Uint8Array(1));

/** R2. @param {number} chainId @param {string} contract @returns {Uint8Array} */
export function nameNetwork(chainId, contract) {
  const domain = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
  const texts = [domain, "Folkmoot", "1"].map((text) => keccak(encodeText(text)));
  return keccak(join(...texts, word(chainId), addressWord(contract)));
}

/** @param {Int32Array} state @returns {Uint8Array} */
export function digestState(state) {
  const bytes = new Uint8Array(4 * state.length);
  const view = new DataView(bytes.buffer);
  state.forEach((value, at) => view.setInt32(4 * at, value, true));
  return sha256(bytes);
}

/** @param {Uint8Array} blob @param {string} magic @param {number} elements @returns {any[]} */
function readArray(blob, magic, elements) {
  require(same(blob.subarray(0, 4), encodeText(magic)), `a blob does not begin with ${magic}`);
  const found = decodeMsgpack(blob, 4);
  require(Array.isArray(found) && found.length === elements, "a blob has another number of elements");
  return found;
}

/** @param {any} value @param {...number} lengths @returns {boolean} */
function isBytes(value, ...lengths) {
  return value instanceof Uint8Array && (lengths.length === 0 || lengths.includes(value.length));
}

/** @param {Uint8Array} blob @param {number[]} ends @returns {Int32Array} */
export function decodeGenesis(blob, ends) {
  const [codec, payload] = readArray(blob, "FMG1", 2);
  require(typeof codec === "string" && isBytes(payload), "a genesis holds something else");
  return decodeState(payload, codec, ends);
}

/**
 * @typedef {object} Update
 * @property {Uint8Array} base digest
 * @property {Uint8Array} payload
 * @property {Uint8Array} reference 32 bytes or none
 */

/**
 * @param {Uint8Array} blob @param {{network: Uint8Array, round: number, author: string, codec: string}} expected
 * @returns {Update}
 */
export function decodeUpdate(blob, expected) {
  const [network, round, author, base, codec, payload, reference, privacy] = readArray(blob, "FMU3", 8);
  require(isBytes(network) && same(network, expected.network), "an update names another network");
  require(round === expected.round, "an update names another round");
  require(isBytes(author) && same(author, fromHex(expected.author)), "an update names another author");
  require(isBytes(base, 32), "an update's base is no digest");
  require(codec === expected.codec, "an update's codec is not the circle's");
  require(isBytes(payload) && isBytes(reference, 0, 32), "an update holds something else");
  require(privacy === null, "an update has a privacy statement in a circle without privacy terms");
  require(codec === "delta" || reference.length === 0, "a whole state has a reference");
  if (codec === "delta") {
    require(isKeyFrame(payload) === (reference.length === 0), "a frame's kind and its reference do not go together");
  }
  return { base, payload, reference };
}

/** What an update is relative to, not checked otherwise. @param {Uint8Array} blob @returns {Uint8Array} */
export function readReference(blob) {
  const reference = readArray(blob, "FMU3", 8)[6];
  require(isBytes(reference), "an update's reference is no bytes");
  return reference;
}

/**
 * @typedef {object} Entry
 * @property {number} seat
 * @property {Uint8Array} digest
 * @property {string} verdict
 * @property {boolean} mixed
 * @property {Map<string, string>} figures
 */

/**
 * @typedef {object} RecordBlob
 * @property {Uint8Array} network
 * @property {number} round
 * @property {string} author
 * @property {Uint8Array} base
 * @property {Uint8Array} update
 * @property {Entry[]} entries
 * @property {Uint8Array} nextBase
 * @property {Uint8Array} nextMemory
 * @property {Uint8Array} checkpoint 32 bytes or none
 */

/** @param {RecordBlob} record @returns {Uint8Array} */
export function encodeRecord(record) {
  const entries = record.entries.map((one) => [one.seat, one.digest, one.verdict, one.mixed, one.figures]);
  const { network, round, base, update, nextBase, nextMemory, checkpoint } = record;
  const fields = [network, round, fromHex(record.author), base, update, entries, nextBase, nextMemory, checkpoint];
  return join(encodeText("FMR3"), encodeMsgpack(fields));
}
