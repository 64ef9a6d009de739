// What a block's hash proves: RLP, and Merkle-Patricia tries (R32.4).

import { Fault, require, same, toHex } from "./bytes.js";
import { keccak } from "./hashes.js";

/** @typedef {Uint8Array | any[]} Item */

/** One item that fills the bytes. @param {Uint8Array} bytes @returns {any} */
export function decodeRlp(bytes) {
  const [item, end] = readItem(bytes, 0, 0);
  require(end === bytes.length, "RLP has something behind its end");
  return item;
}

/** @param {Uint8Array} bytes @param {number} at @param {number} depth @returns {[any, number]} */
function readItem(bytes, at, depth) {
  require(at < bytes.length && depth < 16, "RLP is cut off, or nested too deep");
  const first = bytes[at];
  if (first < 0x80) return [bytes.subarray(at, at + 1), at + 1];
  const isList = first >= 0xc0;
  let length = first - (isList ? 0xc0 : 0x80);
  let start = at + 1;
  if (length > 55) {
    const width = length - 55;
    length = 0;
    for (const byte of bytes.subarray(start, start + width)) length = length * 256 + byte;
    start += width;
  }
  const end = start + length;
  require(end <= bytes.length, "RLP is cut off");
  if (!isList) return [bytes.subarray(start, end), end];
  const items = [];
  while (start < end) {
    const [item, next] = readItem(bytes, start, depth + 1);
    items.push(item);
    start = next;
  }
  require(start === end, "RLP does not end where it says");
  return [items, end];
}

/**
 * The value at a key of the trie with this root; null where the proof shows that there is none. No node is in vain.
 * @param {Uint8Array} root @param {Uint8Array} key as it stands in the trie: hashed
 * @param {Uint8Array[]} nodes from the root on
 * @returns {Uint8Array | null}
 */
export function readProof(root, key, nodes) {
  const path = [...toHex(key)].map((digit) => parseInt(digit, 16));
  let at = 0;
  /** @type {any} */
  let wanted = root;
  let place = 0;
  /** @param {any} value @returns {Uint8Array | null} */
  const end = (value) => {
    require(place === nodes.length, "a proof has more nodes than it needs");
    require(value === null || value instanceof Uint8Array, "a proof ends in no value");
    return value?.length ? value : null;
  };
  for (;;) {
    let node = wanted;
    if (wanted instanceof Uint8Array) {
      if (wanted.length === 0) return end(null);
      require(place < nodes.length && same(keccak(nodes[place]), wanted), "a proof's node is not the one that is named");
      node = decodeRlp(nodes[place++]);
    }
    require(Array.isArray(node), "a proof's node is none");
    if (node.length === 17) {
      if (at === path.length) return end(node[16]);
      wanted = node[path[at++]];
      continue;
    }
    require(node.length === 2 && node[0] instanceof Uint8Array && node[0].length > 0, "a proof's node is none");
    const digits = [...toHex(node[0])].map((digit) => parseInt(digit, 16));
    const isLeaf = digits[0] >= 2;
    const rest = digits.slice(digits[0] % 2 ? 1 : 2);
    const isOnPath = rest.every((digit, step) => digit === path[at + step]);
    if (!isOnPath) return end(null);
    at += rest.length;
    if (isLeaf) {
      if (at !== path.length) throw new Fault("a proof ends before its key");
      return end(node[1]);
    }
    wanted = node[1];
  }
}
