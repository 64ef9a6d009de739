// The events of R4's table, with their fields in the order of the contract's interface.

import { decodeText, encodeText, Fault, require, toHex, toNumber } from "./bytes.js";
import { keccak } from "./hashes.js";

/**
 * @typedef {Record<string, any> & {name: string}} CircleEvent
 * Fields: seats, rounds, disputes, stages, answers and outcomes as numbers; amounts, times and masks as bigints;
 * addresses as 0x and 40 lower-case digits; digests as bytes.
 */

const SMALL = new Set(["seat", "round", "dispute", "judge", "target", "stage", "answer", "outcome"]);

/** In the order of their kinds, from 1. A type with an asterisk is a topic of the log. @type {Record<string, string>} */
const FIELDS = {
  Opened: "task bytes32*, manifest bytes",
  Joined: "seat uint256*, peer address*, cold address, inviter address, endpoint string",
  Moved: "seat uint256*, endpoint string",
  Woken: "round uint256, seat uint256",
  Committed: "round uint256, seat uint256, digest bytes32",
  Drawn: "round uint256*, committed uint256",
  Attested: "seat uint256, verdicts uint256, record bytes32",
  Settled: "round uint256*, attested uint256, reputations uint256[16]",
  Left: "seat uint256*, burned uint256, free_at uint256",
  Ejected: "seat uint256*, burned uint256, free_at uint256",
  Released: "seat uint256*, bond uint256",
  Rotating: "seat uint256*, peer address, cold address, rotates_at uint256",
  Rotated: "seat uint256*, peer address*, cold address",
  Equivocated: "seat uint256*, round uint256, reporter address, bond uint256, free_at uint256",
  Disputed:
    "dispute uint256*, round uint256, judge uint256, target uint256, challenger address, evidence bytes32," +
    " electorate uint256, deadline uint256",
  Summoned: "dispute uint256*, seed bytes32, jury uint256, deadline uint256",
  Voted: "dispute uint256*, seat uint256, answer uint256",
  Resolved: "dispute uint256*, outcome uint256, fine uint256, free_at uint256",
  Withdrawn: "account address*, amount uint256",
  Referred: "dispute uint256*, stage uint256, deadline uint256",
  Appealed: "dispute uint256*, appellant address, deadline uint256",
  Restarted: "seat uint256*",
};

/** @typedef {{name: string, type: string, isTopic: boolean}} Field */

/** Event's name → its fields. @type {Map<string, Field[]>} */
export const EVENTS = new Map(
  Object.entries(FIELDS).map(([name, text]) => [
    name,
    text.split(", ").map((one) => {
      const [field, type] = one.trim().split(" ");
      return { name: field, type: type.replace("*", ""), isTopic: type.endsWith("*") };
    }),
  ]),
);
/** Event's name → its kind in the running hash. @type {Map<string, number>} */
export const KINDS = new Map([...EVENTS.keys()].map((name, place) => [name, place + 1]));
/** Hash of an event's signature, hex → its name. */
const SIGNATURES = new Map(
  [...EVENTS].map(([name, fields]) => {
    const types = fields.map((field) => field.type).join(",");
    return [toHex(keccak(encodeText(`${name}(${types})`))), name];
  }),
);

/**
 * A log as the contract emitted it. A Drawn has no seed in it: that follows from the log's block.
 * @param {Uint8Array[]} topics 32 bytes each @param {Uint8Array} data
 * @returns {CircleEvent}
 */
export function decodeLog(topics, data) {
  require(topics.length > 0 && topics.every((topic) => topic.length === 32), "a log has topics of another length");
  const name = SIGNATURES.get(toHex(topics[0]));
  if (name === undefined) throw new Fault("a log is none of the contract's");
  /** @type {CircleEvent} */
  const event = { name };
  let topic = 1;
  let head = 0;
  for (const field of /** @type {Field[]} */ (EVENTS.get(name))) {
    if (field.isTopic) {
      require(topic < topics.length, `an event ${name} lacks a topic`);
      event[field.name] = decodeValue(field, topics[topic++]);
    } else {
      const words = field.type === "uint256[16]" ? 16 : 1;
      require(data.length >= head + 32 * words, `an event ${name} is cut off`);
      const isLong = field.type === "bytes" || field.type === "string";
      const own = data.subarray(head, head + 32 * words);
      event[field.name] = decodeValue(field, isLong ? readLong(data, own) : own);
      head += 32 * words;
    }
  }
  require(topic === topics.length, `an event ${name} has a topic too many`);
  return event;
}

/** @param {Uint8Array} data @param {Uint8Array} place @returns {Uint8Array} */
function readLong(data, place) {
  const start = Number(toNumber(place));
  require(start + 32 <= data.length, "an event points beyond its data");
  const length = Number(toNumber(data.subarray(start, start + 32)));
  const end = start + 32 + length;
  const padded = end + ((32 - (length % 32)) % 32);
  require(padded <= data.length, "an event points beyond its data");
  require(data.subarray(end, padded).every((byte) => byte === 0), "an event has something behind its text");
  return data.subarray(start + 32, start + 32 + length);
}

/** @param {Field} field @param {Uint8Array} bytes @returns {any} */
function decodeValue(field, bytes) {
  switch (field.type) {
    case "address":
      require(bytes.subarray(0, 12).every((byte) => byte === 0), "an address is longer than 20 bytes");
      return "0x" + toHex(bytes.subarray(12));
    case "string":
      return decodeText(bytes);
    case "bytes":
    case "bytes32":
      return bytes;
    case "uint256[16]":
      return Array.from({ length: 16 }, (_, place) => toNumber(bytes.subarray(32 * place, 32 * place + 32)));
    default:
      return SMALL.has(field.name) ? toSmall(bytes) : toNumber(bytes);
  }
}

/** @param {Uint8Array} bytes @returns {number} */
function toSmall(bytes) {
  const value = toNumber(bytes);
  require(value < 1n << 40n, "a number in an event is beyond what a circle counts to");
  return Number(value);
}
