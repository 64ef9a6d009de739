// The task manifest: R3.2.

import { decodeText, Fault, fromHex, require } from "./bytes.js";

const MAX_BYTES = 16384;
const MAX_STATE = 2 ** 28;
const MAX_ROUND = 2 ** 21 - 1;
const FIELDS = [
  "version", "task", "task_options", "layout", "genesis", "codec", "degree", "rule", "rule_parameters", "rounds",
  "frozen", "frozen_marks", "checkpoint_every",
];
const OPTIONAL = ["privacy", "origin"];

/**
 * @typedef {object} Manifest
 * @property {string} task
 * @property {number[]} sizes how many values each tensor has
 * @property {Uint8Array} genesis digest
 * @property {string} codec
 * @property {number} degree
 * @property {string} rule
 * @property {Record<string, number>} parameters of the rule
 * @property {number} rounds
 * @property {number} checkpointEvery
 * @property {Record<string, any> | null} privacy
 */

/** @param {any} value @param {number} low @param {number} high @returns {boolean} */
function isWithin(value, low, high) {
  return Number.isSafeInteger(value) && low <= value && value <= high;
}

/** @param {Uint8Array} bytes @returns {Manifest} */
export function decodeManifest(bytes) {
  require(bytes.length <= MAX_BYTES, `a manifest of ${bytes.length} bytes is above ${MAX_BYTES}`);
  /** @type {any} */
  let read;
  try {
    read = JSON.parse(decodeText(bytes));
  } catch {
    throw new Fault("the manifest is not JSON");
  }
  require(typeof read === "object" && read !== null && !Array.isArray(read), "the manifest is no object");
  for (const name of FIELDS) require(Object.hasOwn(read, name), `the manifest lacks ${name}`);
  for (const name of Object.keys(read)) {
    require(FIELDS.includes(name) || OPTIONAL.includes(name), "the manifest has a field that there is not");
  }
  require(read.version === 1, "the manifest is of another version");
  require(typeof read.task === "string" && /^[\w.-]{1,128}$/.test(read.task), "the task has no name");
  require(isWithin(read.degree, 1, 20), "the degree is not in 1..20");
  require(isWithin(read.rounds, 1, MAX_ROUND), `the rounds are not in 1..${MAX_ROUND}`);
  require(isWithin(read.checkpoint_every, 1, 256), "checkpoint_every is not in 1..256");
  require(typeof read.rule === "string" && typeof read.codec === "string", "rule or codec is no text");
  require(isParameters(read.rule_parameters), "the rule's parameters are not integers");
  require(typeof read.genesis === "string" && /^[0-9a-f]{64}$/.test(read.genesis), "genesis is no digest");
  return {
    task: read.task,
    sizes: readSizes(read.layout),
    genesis: fromHex(read.genesis),
    codec: read.codec,
    degree: read.degree,
    rule: read.rule,
    parameters: read.rule_parameters,
    rounds: read.rounds,
    checkpointEvery: read.checkpoint_every,
    privacy: read.privacy ?? null,
  };
}

/** @param {any} parameters @returns {boolean} */
function isParameters(parameters) {
  return typeof parameters === "object" && parameters !== null && Object.values(parameters).every(Number.isSafeInteger);
}

/** @param {any} layout @returns {number[]} */
function readSizes(layout) {
  require(Array.isArray(layout), "the layout is no array");
  /** @type {number[]} */
  const sizes = [];
  let before = null;
  let total = 0;
  for (const tensor of layout) {
    require(Array.isArray(tensor) && tensor.length === 3, "a tensor of the layout has not three parts");
    const [name, dimensions, exponent] = tensor;
    require(typeof name === "string" && (before === null || isBefore(before, name)), "the layout's names do not ascend");
    require(Array.isArray(dimensions) && dimensions.length <= 32, "a tensor has more than 32 dimensions");
    require(dimensions.every((/** @type {any} */ one) => isWithin(one, 0, MAX_STATE)), "a dimension is none");
    require(isWithin(exponent, -110, 119), "a tensor's exponent is not in -110..119");
    // No product of these is rounded before it is beyond the most.
    const size = dimensions.includes(0) ? 0 : dimensions.reduce((/** @type {number} */ all, /** @type {number} */ one) => all * one, 1);
    total += size;
    require(total <= MAX_STATE, "the public state is too long");
    sizes.push(size);
    before = name;
  }
  require(total >= 1, "the public state is empty");
  return sizes;
}

/** By code points, as UTF-8 sorts. @param {string} left @param {string} right @returns {boolean} */
function isBefore(left, right) {
  const [own, other] = [Array.from(left), Array.from(right)];
  for (let at = 0; at < own.length && at < other.length; at++) {
    const [one, two] = [/** @type {number} */ (own[at].codePointAt(0)), /** @type {number} */ (other[at].codePointAt(0))];
    if (one !== two) return one < two;
  }
  return own.length < other.length;
}
