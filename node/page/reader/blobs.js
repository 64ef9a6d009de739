// Blocks, CIDs and blobs: R6 and the CARv1 of R32.1.

import { Fault, join, Missing, readVarint, require, toHex } from "./bytes.js";
import { sha256 } from "./hashes.js";

export const RAW = 0x55;
export const DAG_PB = 0x70;
export const DAG_JSON = 0x0129;
const MAX_BLOCK = 2 ** 20;
const MAX_NODE = 65536;
const MAX_LINKS = 1024;
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

/** @typedef {{codec: number, digest: Uint8Array}} BlockName */

/** @param {Uint8Array} bytes @param {number} at @returns {[BlockName, number]} a binary CID, and where it ends */
export function readName(bytes, at) {
  const [version, codecAt] = readVarint(bytes, at, 4);
  const [codec, hashAt] = readVarint(bytes, codecAt, 4);
  require(version === 1 && [RAW, DAG_PB, DAG_JSON].includes(codec), "a CID is of another kind");
  require(bytes[hashAt] === 0x12 && bytes[hashAt + 1] === 0x20, "a CID is of another hash");
  const end = hashAt + 34;
  require(end <= bytes.length, "a CID is cut off");
  return [{ codec, digest: bytes.subarray(hashAt + 2, end) }, end];
}

/** @param {string} text base32 with its prefix @returns {BlockName} */
export function parseName(text) {
  require(/^b[a-z2-7]{58,60}$/.test(text), "a link is no CID in base32");
  const bytes = [];
  let [bits, held] = [0, 0];
  for (const letter of text.slice(1)) {
    bits = ((bits << 5) | ALPHABET.indexOf(letter)) & 0xfff;
    held += 5;
    if (held >= 8) {
      held -= 8;
      bytes.push((bits >> held) & 255);
    }
  }
  require((bits & ((1 << held) - 1)) === 0, "a link is no CID in its one spelling");
  const binary = Uint8Array.from(bytes);
  const [name, end] = readName(binary, 0);
  require(end === binary.length, "a link has something behind its CID");
  return name;
}

/** @param {BlockName} name @returns {string} */
export function formatName(name) {
  const prefix = name.codec === DAG_JSON ? [1, 0xa9, 2, 0x12, 0x20] : [1, name.codec, 0x12, 0x20];
  let [text, bits, held] = ["b", 0, 0];
  for (const byte of join(Uint8Array.from(prefix), name.digest)) {
    bits = ((bits << 8) | byte) & 0xfff;
    for (held += 8; held >= 5; held -= 5) text += ALPHABET[(bits >> (held - 5)) & 31];
  }
  return held ? text + ALPHABET[(bits << (5 - held)) & 31] : text;
}

/** The blocks of a CAR, every one of which was hashed. */
export class BlockStore {
  constructor() {
    /** Codec and digest → block. @type {Map<string, Uint8Array>} */
    this.blocks = new Map();
    this.bytes = 0;
  }

  /** @param {BlockName} name @param {Uint8Array} block */
  put(name, block) {
    this.blocks.set(`${name.codec} ${toHex(name.digest)}`, block);
    this.bytes += block.length;
  }

  /** @param {BlockName} name @returns {Uint8Array} */
  get(name) {
    const block = this.find(name);
    if (block === undefined) throw new Missing(`block ${formatName(name)} is not in the file`);
    return block;
  }

  /** @param {BlockName} name @returns {Uint8Array | undefined} */
  find(name) {
    return this.blocks.get(`${name.codec} ${toHex(name.digest)}`);
  }
}

/**
 * R32.1: every block of a CARv1 against its name.
 * @param {Uint8Array} file @param {(done: number) => void} [progress] told of bytes
 * @returns {{roots: BlockName[], store: BlockStore}}
 */
export function readCar(file, progress = () => {}) {
  const [length, begin] = readVarint(file, 0, 4);
  require(begin + length <= file.length, "the file is cut off, or no bundle");
  const roots = readRoots(file.subarray(begin, begin + length));
  const store = new BlockStore();
  let at = begin + length;
  while (at < file.length) {
    const [size, start] = readVarint(file, at, 4);
    require(start + size <= file.length, `the file is cut off in the block at byte ${at}`);
    const [name, first] = readName(file, start);
    const block = file.subarray(first, start + size);
    require(first <= start + size && block.length <= MAX_BLOCK, `the block at byte ${at} is too large`);
    const isNamed = toHex(sha256(block)) === toHex(name.digest);
    require(isNamed, `the file is altered: the block at byte ${at} is not ${formatName(name)}, as it says`);
    store.put(name, block);
    at = start + size;
    progress(at);
  }
  for (const root of roots) store.get(root);
  return { roots, store };
}

/** The DAG-CBOR of a header: {"roots": […], "version": 1}. @param {Uint8Array} header @returns {BlockName[]} */
function readRoots(header) {
  const expect = (/** @type {number[]} */ ...bytes) => {
    require(bytes.every((byte, place) => header[at + place] === byte), "the file is no CAR");
    at += bytes.length;
  };
  let at = 0;
  expect(0xa2, 0x65, 0x72, 0x6f, 0x6f, 0x74, 0x73);
  let count = header[at++] - 0x80;
  if (count === 24) count = header[at++];
  require(count >= 1 && count <= 65, "the file has no roots");
  const roots = [];
  for (let one = 0; one < count; one++) {
    expect(0xd8, 0x2a, 0x58);
    const end = at + 1 + header[at];
    at += 1;
    expect(0);
    const [name, after] = readName(header, at);
    require(after === end, "a root is no CID");
    roots.push(name);
    at = after;
  }
  expect(0x67, 0x76, 0x65, 0x72, 0x73, 0x69, 0x6f, 0x6e, 1);
  require(at === header.length, "the file is no CAR");
  return roots;
}

/** Bytes at a root that make no blob: this proves something about who anchored it. */
export class NoBlob extends Fault {}

/** A blob by its digest (R6). @param {BlockStore} store @param {Uint8Array} digest @param {number} most bytes of it @returns {Uint8Array} */
export function readBlob(store, digest, most) {
  const leaf = store.find({ codec: RAW, digest });
  const node = store.find({ codec: DAG_PB, digest });
  const root = leaf ?? node;
  if (root === undefined) throw new Missing(`blob ${toHex(digest)} is not in the file`);
  if (root[0] === 0x46 && root[1] === 0x4d) {
    requireBlob(root.length <= MAX_BLOCK && root.length <= most, "a blob is too large");
    return root;
  }
  const { size } = readNode(root);
  requireBlob(size > MAX_BLOCK && size <= most, "a blob is too large, or small enough to be one leaf");
  const whole = new Uint8Array(size);
  let height = 1;
  while (capacityOf(height) < size) height++;
  fill(store, root, height, whole);
  return whole;
}

/** @param {boolean} holds @param {string} fact */
function requireBlob(holds, fact) {
  if (!holds) throw new NoBlob(fact);
}

/** Bytes below a node of this height at most. @param {number} height @returns {number} */
function capacityOf(height) {
  return MAX_BLOCK * MAX_LINKS ** height;
}

/** @param {BlockStore} store @param {Uint8Array} block @param {number} height @param {Uint8Array} into @returns {number} Tsize */
function fill(store, block, height, into) {
  const { links, size } = readNode(block);
  requireBlob(size === into.length, "a node has another size than its place");
  const share = capacityOf(height - 1);
  requireBlob(links.length === Math.ceil(size / share), "a node has another number of links");
  let [at, total] = [0, block.length];
  for (const link of links) {
    const part = into.subarray(at, Math.min(at + share, into.length));
    requireBlob(link.size === part.length, "a node's link has another size");
    requireBlob(link.name.codec === (height === 1 ? RAW : DAG_PB), "a node's link is of another codec");
    const child = store.get(link.name);
    let below = child.length;
    if (height === 1) {
      requireBlob(child.length === part.length, "a leaf has another length");
      part.set(child);
    } else below = fill(store, child, height - 1, part);
    requireBlob(link.total === below, "a link's Tsize is another");
    total += below;
    at += part.length;
  }
  return total;
}

/**
 * R6.2: the one encoding of a node.
 * @param {Uint8Array} block
 * @returns {{links: {name: BlockName, total: number, size: number}[], size: number}}
 */
function readNode(block) {
  try {
    return parseNode(block);
  } catch (error) {
    if (error instanceof NoBlob) throw error;
    throw new NoBlob("a node is in no canonical encoding");
  }
}

/** @param {Uint8Array} block */
function parseNode(block) {
  requireBlob(block.length <= MAX_NODE, "a node is too large");
  let at = 0;
  const take = (/** @type {number} */ tag) => {
    require(block[at] === tag, "another field stands here");
    const [length, start] = readVarint(block, at + 1);
    require(start + length <= block.length, "a field is cut off");
    at = start + length;
    return block.subarray(start, at);
  };
  /** @type {{name: BlockName, total: number, size: number}[]} */
  const links = [];
  while (block[at] === 0x12) {
    const link = take(0x12);
    require(link[0] === 0x0a && link[1] === 36 && link[38] === 0x12 && link[39] === 0 && link[40] === 0x18, "a link");
    const [name, end] = readName(link, 2);
    require(end === 38, "a link's name");
    const [total, last] = readVarint(link, 41);
    require(last === link.length, "a link has more");
    links.push({ name, total, size: 0 });
    require(links.length <= MAX_LINKS, "too many links");
  }
  const data = take(0x0a);
  require(at === block.length, "a node has more");
  require(data[0] === 8 && data[1] === 2 && data[2] === 0x18, "a node is no file");
  let [size, place] = readVarint(data, 3);
  for (const link of links) {
    require(data[place] === 0x20, "a node lacks a block's size");
    [link.size, place] = readVarint(data, place + 1);
  }
  require(place === data.length, "a node has more sizes than links");
  return { links, size };
}
