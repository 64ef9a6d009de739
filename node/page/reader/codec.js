// States as bytes: R9. A state is d int32 counts of the grid.

import { Fault, readVarint, require } from "./bytes.js";
import { decompress } from "./zstd.js";

const BLOCK = 4096;
const MAX_SHIFT = 17;
const MAX_STEP = 183;
const LARGEST = 127 * 2 ** 17;

/** R9.2: where each block ends in the state. @param {number[]} sizes values of each tensor @returns {number[]} */
export function blockEnds(sizes) {
  const ends = [];
  let start = 0;
  for (const size of sizes) {
    for (let at = BLOCK; at < size; at += BLOCK) ends.push(start + at);
    start += size;
    if (size > 0) ends.push(start);
  }
  return ends;
}

/** R7: the most bytes of an update or genesis blob. @param {number[]} ends @returns {number} */
export function mostUpdateBytes(ends) {
  const size = ends.length + (ends[ends.length - 1] ?? 0);
  return size + Math.floor(size / 256) + 384;
}

/**
 * @param {Uint8Array} payload @param {string} codec @param {number[]} ends of the blocks
 * @param {Int32Array | null} previous its author's last public state, for delta frames
 * @param {Int32Array | null} genesis for key frames
 * @returns {Int32Array}
 */
export function decodeState(payload, codec, ends, previous = null, genesis = null) {
  if (codec === "delta") return decodeDelta(payload, ends, previous, genesis);
  require(codec === "int8" || codec === "int8-zstd", "the codec is unknown");
  return decodeWhole(payload, codec, ends);
}

/** R9.3. @param {Uint8Array} payload @param {string} codec @param {number[]} ends @returns {Int32Array} */
function decodeWhole(payload, codec, ends) {
  const size = ends[ends.length - 1] ?? 0;
  const frame = codec === "int8-zstd" ? decompress(payload, ends.length + size) : payload;
  require(frame.length === ends.length + size, "a frame has another length than the layout needs");
  const state = new Int32Array(size);
  let at = 0;
  ends.forEach((end, block) => {
    const shift = frame[block];
    require(shift <= MAX_SHIFT, "a block's shift is above 17");
    for (; at < end; at++) {
      const code = (frame[ends.length + at] << 24) >> 24;
      require(code !== -128, "a code is -128");
      state[at] = code * 2 ** shift;
    }
  });
  return state;
}

/** @param {number} s @returns {number} the step of R9.4 */
function stepOf(s) {
  return Math.floor(((8 + (s % 8)) * 2 ** Math.floor(s / 8)) / 8);
}

/** Whether a frame hangs on none before it. @param {Uint8Array} payload @returns {boolean} */
export function isKeyFrame(payload) {
  return readDeltaHeader(payload).kind === 0;
}

/** @param {Uint8Array} payload */
function readDeltaHeader(payload) {
  require(payload.length > 0 && payload[0] < 4, "a frame begins with no kind and layout");
  const lengths = [];
  let at = 1;
  for (let one = 0; one < 7; one++) {
    const [length, end] = readVarint(payload, at, 4);
    lengths.push(length);
    at = end;
  }
  const [map, codes, wides, ...stored] = lengths;
  require(at + stored.reduce((all, one) => all + one) === payload.length, "a frame is not as long as it tells");
  return { kind: payload[0] & 1, isSparse: payload[0] >= 2, map, codes, wides, stored, at };
}

/**
 * R9.4.
 * @param {Uint8Array} payload @param {number[]} ends @param {Int32Array | null} previous @param {Int32Array | null} genesis
 * @returns {Int32Array}
 */
function decodeDelta(payload, ends, previous, genesis) {
  const size = ends[ends.length - 1] ?? 0;
  const header = readDeltaHeader(payload);
  const reference = header.kind === 0 ? genesis : previous;
  require(header.kind === 0 || reference !== null, "a delta frame stands where there is nothing it could hang on");
  const mostMap = Math.floor(size / 4) + Math.floor(size / 255) + 1;
  const isMapRight = header.isSparse ? header.map <= mostMap : header.map === Math.ceil(size / 2);
  require(isMapRight, "a frame's map has a length that does not go with the state");
  require(header.codes <= (header.isSparse ? header.map : Math.floor(size / 2)), "a frame has too many codes");
  const mostWides = 8 + Math.floor(size / 1024);
  require(header.wides % 4 === 0 && header.wides <= 4 * mostWides, "a frame has too many wide codes");
  const raw = [ends.length, header.map, header.codes, header.wides];
  require(raw.every((one, place) => header.stored[place] <= one), "a section is stored in more than it holds");
  let at = header.at;
  const sections = raw.map((one, place) => {
    const section = payload.subarray(at, at + header.stored[place]);
    at += header.stored[place];
    return section.length === one ? section : decompress(section, one);
  });
  require(sections[0].every((s) => s <= MAX_STEP), "a block's step is above 183");
  const state = reference === null ? new Int32Array(size) : Int32Array.from(reference);
  const moves = new Moves(sections, ends, state);
  if (header.isSparse) moveSparse(moves, sections[1], size);
  else moveDense(moves, sections[1], size);
  moves.finish();
  return state;
}

/** The codes of a frame, taken one after the other. */
class Moves {
  /** @param {Uint8Array[]} sections @param {number[]} ends @param {Int32Array} state */
  constructor(sections, ends, state) {
    const [steps, , codes, wides] = sections;
    this.steps = Array.from(steps, stepOf);
    this.codes = codes;
    this.wides = new DataView(wides.buffer, wides.byteOffset, wides.length);
    this.ends = ends;
    this.state = state;
    this.block = 0;
    this.code = 0;
    this.wide = 0;
  }

  /** Move a value by the next of codes. @param {number} place ascending from call to call */
  takeCode(place) {
    require(this.code < this.codes.length, "a frame's map asks for more codes than there are");
    const code = (this.codes[this.code++] << 24) >> 24;
    if (code !== -128) {
      this.move(place, code);
      return;
    }
    require(this.wide < this.wides.byteLength, "a frame's codes ask for more wide ones than there are");
    const wide = this.wides.getInt32(this.wide, true);
    this.wide += 4;
    require(Math.abs(wide * this.stepAt(place)) <= 2 * LARGEST, "a wide code leaves the grid");
    this.move(place, wide);
  }

  /** @param {number} place @returns {number} */
  stepAt(place) {
    while (place >= this.ends[this.block]) this.block++;
    return this.steps[this.block];
  }

  /** @param {number} place @param {number} code */
  move(place, code) {
    const value = this.state[place] + code * this.stepAt(place);
    require(Math.abs(value) <= LARGEST, "a value is outside the grid");
    this.state[place] = value;
  }

  finish() {
    const isUsedUp = this.code === this.codes.length && this.wide === this.wides.byteLength;
    require(isUsedUp, "a frame has codes that nothing asks for");
  }
}

/** @param {Moves} moves @param {Uint8Array} map @param {number} size */
function moveDense(moves, map, size) {
  for (let place = 0; place < size; place++) {
    const half = place % 2 ? map[place >> 1] >> 4 : map[place >> 1] & 15;
    const code = (half << 28) >> 28;
    if (code === -8) moves.takeCode(place);
    else moves.move(place, code);
  }
  if (size % 2) require(map[map.length - 1] >> 4 === 0, "a frame's map goes on behind the last value");
}

/** @param {Moves} moves @param {Uint8Array} map @param {number} size */
function moveSparse(moves, map, size) {
  let place = 0;
  map.forEach((gap, at) => {
    place += gap;
    if (gap === 255) {
      if (at === map.length - 1) throw new Fault("a frame's map ends in a gap");
      return;
    }
    require(place < size, "a frame's map reaches beyond the state");
    moves.takeCode(place);
    place += 1;
  });
}
