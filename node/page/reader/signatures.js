// Whose a signature is (R2): ECDSA on secp256k1, from the message's hash to the signer's address.

import { require, toHex, toNumber, word, join } from "./bytes.js";
import { keccak } from "./hashes.js";

const FIELD = 2n ** 256n - 2n ** 32n - 977n;
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
/** @typedef {{x: bigint, y: bigint} | null} Point null is the point at infinity */
/** @type {Point} */
const GENERATOR = {
  x: 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  y: 0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
};

/** @param {bigint} value @param {bigint} modulus */
function reduce(value, modulus) {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}

/** @param {bigint} base @param {bigint} exponent @param {bigint} modulus */
function power(base, exponent, modulus) {
  let [found, square] = [1n, reduce(base, modulus)];
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) found = (found * square) % modulus;
    square = (square * square) % modulus;
  }
  return found;
}

/** The modulus is a prime. @param {bigint} value @param {bigint} modulus */
function invert(value, modulus) {
  return power(value, modulus - 2n, modulus);
}

/** @param {Point} left @param {Point} right @returns {Point} */
function add(left, right) {
  if (left === null) return right;
  if (right === null) return left;
  if (left.x === right.x && reduce(left.y + right.y, FIELD) === 0n) return null;
  const slope =
    left.x === right.x
      ? 3n * left.x * left.x * invert(2n * left.y, FIELD)
      : (right.y - left.y) * invert(right.x - left.x, FIELD);
  const x = reduce(slope * slope - left.x - right.x, FIELD);
  return { x, y: reduce(slope * (left.x - x) - left.y, FIELD) };
}

/** @param {Point} point @param {bigint} times @returns {Point} */
function multiply(point, times) {
  /** @type {Point} */
  let found = null;
  let double = point;
  for (let rest = times; rest > 0n; rest >>= 1n) {
    if (rest & 1n) found = add(found, double);
    double = add(double, double);
  }
  return found;
}

/**
 * @param {Uint8Array} hash of the message, 32 bytes @param {Uint8Array} signature r ‖ s ‖ v, 65 bytes
 * @returns {string} the signer's address, 0x and lower-case digits
 */
export function recoverSigner(hash, signature) {
  require(signature.length === 65, "a signature has another length than 65 bytes");
  const [r, s, v] = [toNumber(signature.subarray(0, 32)), toNumber(signature.subarray(32, 64)), signature[64]];
  require(v === 27 || v === 28, "a signature's v is neither 27 nor 28");
  require(r > 0n && r < ORDER && s > 0n && 2n * s <= ORDER, "a signature's numbers are out of their range");
  const square = reduce(r * r * r + 7n, FIELD);
  const root = power(square, (FIELD + 1n) / 4n, FIELD);
  require((root * root) % FIELD === square, "a signature is of no point");
  const y = Number(root & 1n) === v - 27 ? root : FIELD - root;
  const inverse = invert(r, ORDER);
  const key = add(
    multiply({ x: r, y }, reduce(s * inverse, ORDER)),
    multiply(GENERATOR, reduce(-toNumber(hash) * inverse, ORDER)),
  );
  require(key !== null, "a signature is of no key");
  const { x, y: height } = /** @type {{x: bigint, y: bigint}} */ (key);
  return "0x" + toHex(keccak(join(word(x), word(height))).subarray(12));
}
