// What blobs say: one msgpack array (R8). Read in any form, written in the shortest.

import { decodeText, Fault, require } from "./bytes.js";

/** @typedef {null | boolean | number | bigint | string | Uint8Array | any[]} Value */

/** @param {Uint8Array} bytes @param {number} start @returns {any} the value, which ends with the bytes */
export function decodeMsgpack(bytes, start) {
  const reader = new Reader(bytes, start);
  const value = reader.read(0);
  require(reader.at === bytes.length, "a blob has bytes behind its end");
  return value;
}

class Reader {
  /** @param {Uint8Array} bytes @param {number} at */
  constructor(bytes, at) {
    this.bytes = bytes;
    this.at = at;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** @param {number} length @returns {Uint8Array} */
  take(length) {
    require(this.at + length <= this.bytes.length, "a blob is cut off");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  /** Big-endian. @param {number} width 1, 2 or 4 bytes @returns {number} */
  size(width) {
    return this.take(width).reduce((value, byte) => value * 256 + byte, 0);
  }

  /** @param {number} high @param {number} low @returns {number} */
  wide(high, low) {
    const value = high * 2 ** 32 + low;
    require(Number.isSafeInteger(value), "an integer is beyond what blobs hold");
    return value;
  }

  /** @param {number} depth @returns {any} */
  read(depth) {
    require(depth < 8, "a blob is nested too deep");
    const kind = this.size(1);
    if (kind < 0x80) return kind;
    if (kind >= 0xe0) return kind - 256;
    if (kind < 0x90) return this.readMap(kind - 0x80, depth);
    if (kind < 0xa0) return this.readArray(kind - 0x90, depth);
    if (kind < 0xc0) return decodeText(this.take(kind - 0xa0));
    switch (kind) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.take(this.size(2 ** (kind - 0xc4)));
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.size(2 ** (kind - 0xcc));
      case 0xcf:
        return this.wide(this.size(4), this.size(4));
      case 0xd0:
        return (this.size(1) << 24) >> 24;
      case 0xd1:
        return (this.size(2) << 16) >> 16;
      case 0xd2:
        return this.size(4) | 0;
      case 0xd3:
        return this.wide(this.size(4) | 0, this.size(4));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return decodeText(this.take(this.size(2 ** (kind - 0xd9))));
      case 0xdc:
      case 0xdd:
        return this.readArray(this.size(2 * (kind - 0xdb)), depth);
      case 0xde:
        return this.readMap(this.size(2), depth);
      default:
        throw new Fault("a blob holds something of another kind");
    }
  }

  /** @param {number} length @param {number} depth @returns {any[]} */
  readArray(length, depth) {
    require(length <= this.bytes.length - this.at, "a blob is cut off");
    return Array.from({ length }, () => this.read(depth + 1));
  }

  /** @param {number} length @param {number} depth @returns {Map<any, any>} */
  readMap(length, depth) {
    const found = new Map();
    for (let one = 0; one < length; one++) found.set(this.read(depth + 1), this.read(depth + 1));
    return found;
  }
}

/** @param {any} value null, booleans, integers from 0, text, bytes, arrays, Maps @param {number[]} [into] @returns {Uint8Array} */
export function encodeMsgpack(value, into = []) {
  put(value, into);
  return Uint8Array.from(into);
}

/** @param {any} value @param {number[]} into */
function put(value, into) {
  if (value === null) into.push(0xc0);
  else if (typeof value === "boolean") into.push(value ? 0xc3 : 0xc2);
  else if (typeof value === "number") putHead(value, into, 0, 128, [0xcc, 0xcd, 0xce]);
  else if (typeof value === "string") {
    const bytes = Array.from(unescape(encodeURIComponent(value)), (letter) => letter.charCodeAt(0));
    putHead(bytes.length, into, 0xa0, 32, [0xd9, 0xda]);
    into.push(...bytes);
  } else if (value instanceof Uint8Array) {
    putHead(value.length, into, 0, 0, [0xc4, 0xc5, 0xc6]);
    for (const byte of value) into.push(byte);
  } else if (Array.isArray(value)) {
    // There is no array head of one byte more.
    if (value.length < 16) into.push(0x90 + value.length);
    else into.push(0xdc, value.length >> 8, value.length & 255);
    for (const one of value) put(one, into);
  } else {
    require(value instanceof Map && value.size < 16, "a value is of no kind that blobs have");
    into.push(0x80 + value.size);
    for (const [name, one] of value) {
      put(name, into);
      put(one, into);
    }
  }
}

/** @param {number} size @param {number[]} into @param {number} short @param {number} fits @param {number[]} kinds of one, two and four bytes */
function putHead(size, into, short, fits, kinds) {
  if (size < fits) into.push(short + size);
  else if (size < 256) into.push(kinds[0], size);
  else if (size < 65536) into.push(kinds[1], size >> 8, size & 255);
  else {
    require(kinds.length === 3 && size < 2 ** 32, "a value is too long");
    into.push(kinds[2], size >>> 24, (size >> 16) & 255, (size >> 8) & 255, size & 255);
  }
}
