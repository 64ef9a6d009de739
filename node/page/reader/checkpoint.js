// What a judge shows in its turn: R8.1 and R29.1, under rules that keep no memory; and a blob's digest (R6).

import { encodeText, fromHex, join } from "./bytes.js";
import { sha256 } from "./hashes.js";
import { encodeMsgpack } from "./msgpack.js";

const LEAF = 2 ** 20;

/**
 * R29.1. last: the round of the judge's last attestation in its tenure, or the round before where it has none.
 * @param {number} round @param {number} seat @param {number} last @param {number} every @param {number} rounds
 */
export function isCheckpointDue(round, seat, last, every, rounds) {
  return round === rounds || Math.floor((round + seat) / every) > Math.floor((last + seat) / every);
}

/**
 * @param {Uint8Array} network @param {number} round @param {string} author @param {Int32Array} base
 * @param {Int32Array} genesis @param {number[]} ends of the blocks
 */
export function encodeCheckpoint(network, round, author, base, genesis, ends) {
  const head = [network, round, fromHex(author), packBase(base, genesis, ends), new Uint8Array(1)];
  return join(encodeText("FMC1"), encodeMsgpack(head));
}

/** @param {Int32Array} base @param {Int32Array} genesis @param {number[]} ends @returns {Uint8Array} */
function packBase(base, genesis, ends) {
  const widths = new Uint8Array(ends.length);
  /** @type {Uint8Array[]} */
  const parts = [widths];
  let start = 0;
  ends.forEach((end, block) => {
    const values = [];
    let largest = 0;
    for (let at = start; at < end; at++) {
      const difference = base[at] - genesis[at];
      const zigzag = difference < 0 ? -2 * difference - 1 : 2 * difference;
      largest = Math.max(largest, zigzag);
      values.push(zigzag);
    }
    const width = 32 - Math.clz32(largest);
    widths[block] = width;
    parts.push(packBits(values, width));
    start = end;
  });
  return join(...parts);
}

/** The lowest bit of the first value first. @param {number[]} values @param {number} width up to 26 @returns {Uint8Array} */
function packBits(values, width) {
  const bytes = new Uint8Array(Math.ceil((values.length * width) / 8));
  values.forEach((value, place) => {
    let at = place * width;
    let [rest, left] = [value, width];
    while (left > 0) {
      const free = 8 - (at % 8);
      bytes[at >> 3] |= (rest << at % 8) & 255;
      rest = Math.floor(rest / 2 ** free);
      at += free;
      left -= free;
    }
  });
  return bytes;
}

/** R6.3. @param {Uint8Array} blob up to 2^30 bytes @returns {Uint8Array} */
export function digestBlob(blob) {
  if (blob.length <= LEAF) return sha256(blob);
  const links = [];
  const sizes = [];
  for (let start = 0; start < blob.length; start += LEAF) {
    const leaf = blob.subarray(start, start + LEAF);
    const name = join(Uint8Array.of(1, 0x55, 0x12, 0x20), sha256(leaf));
    const link = join(field(0x0a, name), Uint8Array.of(0x12, 0, 0x18), varint(leaf.length));
    links.push(field(0x12, link));
    sizes.push(join(Uint8Array.of(0x20), varint(leaf.length)));
  }
  const data = join(Uint8Array.of(8, 2, 0x18), varint(blob.length), ...sizes);
  return sha256(join(...links, field(0x0a, data)));
}

/** @param {number} tag @param {Uint8Array} bytes @returns {Uint8Array} */
function field(tag, bytes) {
  return join(Uint8Array.of(tag), varint(bytes.length), bytes);
}

/** @param {number} value @returns {Uint8Array} */
function varint(value) {
  const bytes = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Uint8Array.from([...bytes, rest]);
}
