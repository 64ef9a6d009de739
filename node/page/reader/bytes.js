// Bytes, words and masks, as docs/protocol.md writes them.

/** What was read is not as the protocol has it. */
export class Fault extends Error {}

/** A blob that is needed is not in the bundle. */
export class Missing extends Fault {}

/**
 * @param {boolean} holds
 * @param {string} fact what is so where it does not hold
 */
export function require(holds, fact) {
  if (!holds) throw new Fault(fact);
}

const DIGITS = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, "0"));

/** @param {Uint8Array} bytes @returns {string} lower-case, without 0x */
export function toHex(bytes) {
  let text = "";
  for (const byte of bytes) text += DIGITS[byte];
  return text;
}

/** @param {string} text hex digits, with or without 0x @returns {Uint8Array} */
export function fromHex(text) {
  const digits = text.startsWith("0x") ? text.slice(2) : text;
  require(digits.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(digits), "text is not hex");
  const bytes = new Uint8Array(digits.length / 2);
  for (let at = 0; at < bytes.length; at++) bytes[at] = parseInt(digits.slice(2 * at, 2 * at + 2), 16);
  return bytes;
}

/** @param {Uint8Array[]} parts @returns {Uint8Array} */
export function join(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @param {Uint8Array} left @param {Uint8Array} right @returns {boolean} */
export function same(left, right) {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

/** `word(n)`: 32 bytes, big-endian. @param {bigint | number} value from 0 @returns {Uint8Array} */
export function word(value) {
  const bytes = new Uint8Array(32);
  if (typeof value === "number") {
    for (let at = 31, rest = value; rest > 0; at--, rest = Math.floor(rest / 256)) bytes[at] = rest % 256;
  } else {
    for (let at = 31, rest = value; rest > 0n; at--, rest >>= 8n) bytes[at] = Number(rest & 255n);
  }
  return bytes;
}

/** An address, 20 bytes in lower-case hex with 0x, as a word. @param {string} address @returns {Uint8Array} */
export function addressWord(address) {
  const bytes = new Uint8Array(32);
  bytes.set(fromHex(address), 12);
  return bytes;
}

/** Big-endian. @param {Uint8Array} bytes @returns {bigint} */
export function toNumber(bytes) {
  return bytes.length ? BigInt("0x" + toHex(bytes)) : 0n;
}

/** The seats in a mask, ascending. @param {bigint} mask @returns {number[]} */
export function seatsOf(mask) {
  const seats = [];
  for (let seat = 0, rest = mask; rest > 0n; seat++, rest >>= 1n) if (rest & 1n) seats.push(seat);
  return seats;
}

/** @param {Iterable<number>} seats @returns {bigint} */
export function maskOf(seats) {
  let mask = 0n;
  for (const seat of seats) mask |= 1n << BigInt(seat);
  return mask;
}

/** @param {bigint} mask @param {number} seat @returns {boolean} */
export function has(mask, seat) {
  return ((mask >> BigInt(seat)) & 1n) === 1n;
}

/** @param {bigint} mask @returns {number} */
export function count(mask) {
  let found = 0;
  for (let rest = mask; rest > 0n; rest &= rest - 1n) found++;
  return found;
}

const UTF8 = typeof TextDecoder === "undefined" ? null : new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8, strict. @param {Uint8Array} bytes @returns {string} */
export function decodeText(bytes) {
  try {
    if (UTF8) return UTF8.decode(bytes);
    // Engines without a web platform.
    let escaped = "";
    for (const byte of bytes) escaped += "%" + DIGITS[byte];
    return decodeURIComponent(escaped);
  } catch {
    throw new Fault("bytes are not UTF-8");
  }
}

/** UTF-8. @param {string} text @returns {Uint8Array} */
export function encodeText(text) {
  const escaped = unescape(encodeURIComponent(text));
  return Uint8Array.from(escaped, (letter) => letter.charCodeAt(0));
}

/**
 * A minimal LEB128 number. @param {Uint8Array} bytes @param {number} at
 * @param {number} most how many bytes it may have, up to 8
 * @returns {[number, number]} the number, and where it ends
 */
export function readVarint(bytes, at, most = 7) {
  let value = 0;
  for (let place = 0; place < most; place++) {
    require(at + place < bytes.length, "a length is cut off");
    const byte = bytes[at + place];
    value += (byte & 127) * 2 ** (7 * place);
    if (byte < 128) {
      require(place === 0 || byte > 0, "a length is not in its shortest form");
      require(Number.isSafeInteger(value), "a length is too large");
      return [value, at + place + 1];
    }
  }
  throw new Fault("a length is too long");
}
