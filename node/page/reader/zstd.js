// One zstd frame (RFC 8878), decoded as R9.6 says: what one decoder takes and another does not is refused.

import { Fault, require } from "./bytes.js";

const MAGIC = 0xfd2fb528;
const MAX_WINDOW = 2 ** 23;
const MAX_BLOCK = 2 ** 17;
const MAX_HUFFMAN_BITS = 11;
const BYTES_A_BLOCK = 4096;
const BYTES_A_SEQUENCE = 16;
const SPARE_SEQUENCES = 16;

const LITERAL_BASES = [
  ...Array.from({ length: 16 }, (_, code) => code),
  16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536,
];
const LITERAL_BITS = [...Array(16).fill(0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
const MATCH_BASES = [
  ...Array.from({ length: 32 }, (_, code) => code + 3),
  35, 37, 39, 41, 43, 47, 51, 59, 67, 83, 99, 131, 259, 515, 1027, 2051, 4099, 8195, 16387, 32771, 65539,
];
const MATCH_BITS = [
  ...Array(32).fill(0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
];
/** What the RFC gives as default distributions: accuracy log, and the probabilities. */
const DEFAULTS = {
  literals: [6, [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1,
    -1, -1, -1, -1]],
  offsets: [5, [1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1]],
  matches: [6, [1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1]],
};
const LIMITS = { literals: [9, 35], offsets: [8, 31], matches: [9, 52] };

/** @typedef {{bits: number, symbols: Uint8Array, widths: Uint8Array, bases: Uint16Array}} Table a decoding table */

/**
 * @param {Uint8Array} frame @param {number} size the bytes it has to hold
 * @returns {Uint8Array}
 */
export function decompress(frame, size) {
  const { start, window } = readHeader(frame, size);
  const decoder = new Decoder(frame, size, window);
  const end = decoder.run(start);
  require(decoder.written === size, "a zstd frame holds another number of bytes than it declares");
  require(end === frame.length, "there is something behind a zstd frame");
  return decoder.out;
}

/** @param {Uint8Array} bytes @param {number} at @param {number} length up to 6 @returns {number} */
function readLittle(bytes, at, length) {
  require(at + length <= bytes.length, "a zstd frame is cut off");
  let value = 0;
  for (let place = length - 1; place >= 0; place--) value = value * 256 + bytes[at + place];
  return value;
}

/** @param {Uint8Array} frame @param {number} size */
function readHeader(frame, size) {
  require(readLittle(frame, 0, 4) === MAGIC, "bytes are no zstd frame");
  const descriptor = readLittle(frame, 4, 1);
  require((descriptor & 31) === 0, "a zstd frame has a checksum, a dictionary or a reserved bit");
  const isSingle = (descriptor & 32) !== 0;
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 ? (isSingle ? 1 : 0) : 2 ** sizeFlag;
  let at = 5;
  let window = 0;
  if (!isSingle) {
    const byte = readLittle(frame, at, 1);
    const base = 2 ** (10 + (byte >> 3));
    window = base + (base / 8) * (byte & 7);
    at += 1;
  }
  require(sizeBytes > 0, "a zstd frame does not declare its size");
  const low = readLittle(frame, at, Math.min(sizeBytes, 4));
  const high = sizeBytes === 8 ? readLittle(frame, at + 4, 4) : 0;
  const declared = low + high * 2 ** 32 + (sizeBytes === 2 ? 256 : 0);
  require(declared === size, `a zstd frame declares ${declared} bytes, ${size} are needed`);
  if (isSingle) window = declared;
  require(window <= MAX_WINDOW, `a zstd frame's window of ${window} bytes is above ${MAX_WINDOW}`);
  return { start: at + sizeBytes, window };
}

/** Bits from the end of a stretch of bytes backwards, as FSE and Huffman streams are read. */
class BackwardBits {
  /** @param {Uint8Array} bytes @param {number} start @param {number} end */
  constructor(bytes, start, end) {
    require(end > start && bytes[end - 1] !== 0, "a zstd bit stream has no end mark");
    this.bytes = bytes;
    this.first = start * 8;
    /** How many bits are left, counted from the start of the bytes. */
    this.at = end * 8 - Math.clz32(bytes[end - 1]) + 24 - 1;
  }

  get left() {
    return this.at - this.first;
  }

  /** The next bits as a number; zeros where the stream is over. @param {number} width up to 24 @returns {number} */
  read(width) {
    this.at -= width;
    return this.look(this.at, width);
  }

  /** @param {number} from bit place @param {number} width */
  look(from, width) {
    if (width === 0) return 0;
    let value = 0;
    const firstByte = Math.floor(from / 8);
    const shift = from - firstByte * 8;
    for (let place = 3; place >= 0; place--) {
      const at = firstByte + place;
      const isInside = at * 8 >= this.first && at < this.bytes.length;
      value = value * 256 + (isInside ? this.bytes[at] : 0);
    }
    return (value >>> shift) & (2 ** width - 1);
  }

  /** Up to 32 bits. @param {number} width @returns {number} */
  readLong(width) {
    if (width <= 16) return this.read(width);
    const high = this.read(width - 16);
    return high * 65536 + this.read(16);
  }
}

/**
 * The distribution of an FSE table.
 * @param {Uint8Array} bytes @param {number} start @param {number} end
 * @param {number} mostBits @param {number} mostSymbol
 * @returns {{table: Table, end: number}}
 */
function readDistribution(bytes, start, end, mostBits, mostSymbol) {
  let place = start * 8;
  /** @param {number} width @returns {number} */
  const peek = (width) => {
    let value = 0;
    for (let at = 3; at >= 0; at--) {
      const byte = (place >> 3) + at;
      value = value * 256 + (byte < end ? bytes[byte] : 0);
    }
    return (value >>> (place & 7)) & (2 ** width - 1);
  };
  const bits = peek(4) + 5;
  place += 4;
  require(bits <= mostBits, "a zstd table is too large");
  let left = 2 ** bits + 1;
  /** @type {number[]} */
  const shares = [];
  while (left > 1) {
    require(shares.length <= mostSymbol, "a zstd table has too many symbols");
    const width = 32 - Math.clz32(left);
    const threshold = 2 ** width - 1 - left;
    let value = peek(width);
    if ((value & (2 ** (width - 1) - 1)) < threshold) {
      value &= 2 ** (width - 1) - 1;
      place += width - 1;
    } else {
      if (value >= 2 ** (width - 1)) value -= threshold;
      place += width;
    }
    const share = value - 1;
    shares.push(share);
    left -= Math.abs(share);
    if (share === 0) {
      for (;;) {
        const more = peek(2);
        place += 2;
        for (let one = 0; one < more; one++) shares.push(0);
        if (more < 3) break;
      }
    }
    require(place <= end * 8, "a zstd table is cut off");
  }
  require(left === 1 && shares.length <= mostSymbol + 1, "a zstd table does not add up");
  return { table: makeTable(bits, shares), end: Math.ceil(place / 8) };
}

/** @param {number} bits @param {number[]} shares @returns {Table} */
function makeTable(bits, shares) {
  const size = 2 ** bits;
  const symbols = new Uint8Array(size);
  const counts = shares.map((share) => (share < 0 ? 1 : share));
  let high = size - 1;
  shares.forEach((share, symbol) => {
    if (share < 0) symbols[high--] = symbol;
  });
  const step = (size >> 1) + (size >> 3) + 3;
  let place = 0;
  shares.forEach((share, symbol) => {
    for (let one = 0; one < share; one++) {
      symbols[place] = symbol;
      do place = (place + step) & (size - 1);
      while (place > high);
    }
  });
  require(place === 0, "a zstd table does not fill its places");
  const widths = new Uint8Array(size);
  const bases = new Uint16Array(size);
  for (let state = 0; state < size; state++) {
    const next = counts[symbols[state]]++;
    widths[state] = bits - (31 - Math.clz32(next));
    bases[state] = next * 2 ** widths[state] - size;
  }
  return { bits, symbols, widths, bases };
}

/** A table of one symbol. @param {number} symbol @returns {Table} */
function makeConstant(symbol) {
  return { bits: 0, symbols: Uint8Array.of(symbol), widths: Uint8Array.of(0), bases: Uint16Array.of(0) };
}

class Decoder {
  /** @param {Uint8Array} frame @param {number} size @param {number} window */
  constructor(frame, size, window) {
    this.frame = frame;
    this.window = window;
    /** How many more sequences there may be. */
    this.sequences = SPARE_SEQUENCES + Math.floor(size / BYTES_A_SEQUENCE);
    this.out = new Uint8Array(size);
    this.written = 0;
    this.blockMax = Math.min(window, MAX_BLOCK);
    /** @type {{bits: number, symbols: Uint8Array, widths: Uint8Array} | null} */
    this.huffman = null;
    /** @type {Record<string, Table | null>} */
    this.tables = { literals: null, offsets: null, matches: null };
    this.repeats = [1, 4, 8];
  }

  /** Decode all blocks. @param {number} start @returns {number} where they end */
  run(start) {
    let at = start;
    for (let block = 0; ; block++) {
      require(block <= this.out.length / BYTES_A_BLOCK, "a zstd frame has too many blocks");
      const before = this.written;
      const header = readLittle(this.frame, at, 3);
      at += 3;
      const [kind, size] = [(header >> 1) & 3, header >> 3];
      require(kind < 3 && size <= this.blockMax, "a zstd block is of no kind, or too large");
      if (kind === 1) {
        this.check(size);
        this.out.fill(readLittle(this.frame, at, 1), this.written, this.written + size);
        this.written += size;
        at += 1;
      } else {
        require(at + size <= this.frame.length, "a zstd frame is cut off");
        if (kind === 0) this.put(this.frame.subarray(at, at + size));
        else this.decodeBlock(at, at + size);
        at += size;
      }
      const given = this.written - before;
      require(given <= this.blockMax && (given > 0 || this.out.length === 0), "a zstd block gives too much or nothing");
      require(kind !== 2 || size < given, "a compressed zstd block is no smaller than what it gives");
      if (header & 1) return at;
    }
  }

  /** @param {number} more */
  check(more) {
    require(this.written + more <= this.out.length, "a zstd frame holds more than it declares");
  }

  /** @param {Uint8Array} bytes */
  put(bytes) {
    this.check(bytes.length);
    this.out.set(bytes, this.written);
    this.written += bytes.length;
  }

  /** @param {number} start @param {number} end */
  decodeBlock(start, end) {
    const [literals, at] = this.readLiterals(start, end);
    this.runSequences(literals, at, end);
  }

  /** @param {number} start @param {number} end @returns {[Uint8Array, number]} */
  readLiterals(start, end) {
    const first = readLittle(this.frame, start, 1);
    const [kind, format] = [first & 3, (first >> 2) & 3];
    if (kind < 2) {
      const bytes = format === 1 ? 2 : format === 3 ? 3 : 1;
      const size = readLittle(this.frame, start, bytes) >> (bytes === 1 ? 3 : 4);
      require(size <= MAX_BLOCK, "a zstd block has too many literals");
      const at = start + bytes;
      if (kind === 1) return [new Uint8Array(size).fill(readLittle(this.frame, at, 1)), at + 1];
      require(at + size <= end, "a zstd block is cut off");
      return [this.frame.subarray(at, at + size), at + size];
    }
    const [bytes, width] = [[3, 10], [3, 10], [4, 14], [5, 18]][format];
    const header = readLittle(this.frame, start, bytes);
    const size = Math.floor(header / 16) % 2 ** width;
    const stored = Math.floor(header / 2 ** (4 + width)) % 2 ** width;
    require(size <= MAX_BLOCK, "a zstd block has too many literals");
    require(stored < size, "a zstd block's literals are not compressed");
    let at = start + bytes;
    const stop = at + stored;
    require(stop <= end, "a zstd block is cut off");
    if (kind === 2) at = this.readHuffman(at, stop);
    require(this.huffman !== null, "a zstd block repeats a table that there is not");
    const literals = new Uint8Array(size);
    if (format === 0) this.decodeHuffman(literals, 0, size, at, stop);
    else {
      const ends = [0, 1, 2].map((stream) => readLittle(this.frame, at + 2 * stream, 2));
      at += 6;
      const part = Math.floor((size + 3) / 4);
      require(size > 3 * part, "a zstd block has too few literals for four streams");
      for (let stream = 0; stream < 4; stream++) {
        const last = stream === 3 ? stop : at + ends[stream];
        require(last <= stop, "a zstd stream is cut off");
        const to = stream === 3 ? size : (stream + 1) * part;
        this.decodeHuffman(literals, stream * part, to, at, last);
        at = last;
      }
    }
    return [literals, stop];
  }

  /** @param {number} start @param {number} stop @returns {number} where the tree's description ends */
  readHuffman(start, stop) {
    const header = readLittle(this.frame, start, 1);
    /** @type {number[]} */
    const weights = [];
    let end = start + 1;
    if (header >= 128) {
      const known = header - 127;
      end += Math.ceil(known / 2);
      require(end <= stop, "a zstd tree is cut off");
      for (let place = 0; place < known; place++) {
        const byte = this.frame[start + 1 + (place >> 1)];
        weights.push(place % 2 ? byte & 15 : byte >> 4);
      }
    } else {
      end += header;
      require(end <= stop, "a zstd tree is cut off");
      this.readWeights(weights, start + 1, end);
    }
    this.huffman = makeTree(weights);
    return end;
  }

  /** @param {number[]} weights @param {number} start @param {number} end */
  readWeights(weights, start, end) {
    const { table, end: at } = readDistribution(this.frame, start, end, 6, 255);
    const bits = new BackwardBits(this.frame, at, end);
    let [even, odd] = [bits.read(table.bits), bits.read(table.bits)];
    require(bits.left >= 0, "a zstd tree is cut off");
    for (;;) {
      require(weights.length < 255, "a zstd tree has too many weights");
      weights.push(table.symbols[even]);
      if (bits.left < table.widths[even]) {
        weights.push(table.symbols[odd]);
        break;
      }
      even = table.bases[even] + bits.read(table.widths[even]);
      weights.push(table.symbols[odd]);
      if (bits.left < table.widths[odd]) {
        weights.push(table.symbols[even]);
        break;
      }
      odd = table.bases[odd] + bits.read(table.widths[odd]);
    }
    require(weights.length <= 255, "a zstd tree has too many weights");
    require(bits.left === 0, "a zstd tree does not end with its last weight");
  }

  /** @param {Uint8Array} into @param {number} from @param {number} to @param {number} start @param {number} end */
  decodeHuffman(into, from, to, start, end) {
    const bits = new BackwardBits(this.frame, start, end);
    const { bits: width, symbols, widths } = /** @type {NonNullable<typeof this.huffman>} */ (this.huffman);
    for (let at = from; at < to; at++) {
      const state = bits.look(bits.at - width, width);
      into[at] = symbols[state];
      bits.at -= widths[state];
    }
    require(bits.left === 0, "a zstd stream does not end with its last literal");
  }

  /** @param {Uint8Array} literals @param {number} start @param {number} end */
  runSequences(literals, start, end) {
    let at = start;
    require(at < end, "a zstd block is cut off");
    let sequences = readLittle(this.frame, at++, 1);
    if (sequences === 255) {
      sequences = readLittle(this.frame, at, 2) + 0x7f00;
      at += 2;
    } else if (sequences >= 128) {
      sequences = (sequences - 128) * 256 + readLittle(this.frame, at, 1);
      at += 1;
    }
    if (sequences === 0) {
      require(at === end && at === start + 1, "a zstd block has something behind its literals");
      this.put(literals);
      return;
    }
    this.sequences -= sequences;
    require(this.sequences >= 0, "a zstd frame has too many sequences");
    const modes = readLittle(this.frame, at++, 1);
    require((modes & 3) === 0, "a zstd block has reserved bits");
    at = this.readTable("literals", modes >> 6, at, end);
    at = this.readTable("offsets", (modes >> 4) & 3, at, end);
    at = this.readTable("matches", (modes >> 2) & 3, at, end);
    this.copySequences(literals, sequences, new BackwardBits(this.frame, at, end));
  }

  /** @param {"literals" | "offsets" | "matches"} name @param {number} mode @param {number} at @param {number} end */
  readTable(name, mode, at, end) {
    const [mostBits, mostSymbol] = LIMITS[name];
    if (mode === 0) this.tables[name] = makeTable(.../** @type {[number, number[]]} */ (DEFAULTS[name]));
    else if (mode === 1) {
      const symbol = readLittle(this.frame, at, 1);
      require(at < end && symbol <= mostSymbol, "a zstd block has an unknown symbol");
      this.tables[name] = makeConstant(symbol);
      return at + 1;
    } else if (mode === 2) {
      const { table, end: next } = readDistribution(this.frame, at, end, mostBits, mostSymbol);
      this.tables[name] = table;
      return next;
    }
    require(this.tables[name] !== null, "a zstd block repeats a table that there is not");
    return at;
  }

  /** @param {Uint8Array} literals @param {number} sequences @param {BackwardBits} bits */
  copySequences(literals, sequences, bits) {
    const tables = /** @type {Record<string, Table>} */ (this.tables);
    const { literals: lengths, offsets, matches } = tables;
    let [length, offset, match] = [bits.read(lengths.bits), bits.read(offsets.bits), bits.read(matches.bits)];
    let used = 0;
    for (let one = 0; one < sequences; one++) {
      const [lengthCode, offsetCode, matchCode] = [
        lengths.symbols[length],
        offsets.symbols[offset],
        matches.symbols[match],
      ];
      const value = 2 ** offsetCode + bits.readLong(offsetCode);
      const copied = MATCH_BASES[matchCode] + bits.readLong(MATCH_BITS[matchCode]);
      const plain = LITERAL_BASES[lengthCode] + bits.readLong(LITERAL_BITS[lengthCode]);
      const back = this.resolveOffset(value, plain);
      require(used + plain <= literals.length, "a zstd block asks for more literals than it has");
      this.put(literals.subarray(used, used + plain));
      used += plain;
      this.copyBack(back, copied);
      if (one < sequences - 1) {
        length = lengths.bases[length] + bits.read(lengths.widths[length]);
        match = matches.bases[match] + bits.read(matches.widths[match]);
        offset = offsets.bases[offset] + bits.read(offsets.widths[offset]);
      }
      require(bits.left >= 0, "a zstd block's sequences are cut off");
    }
    require(bits.left === 0, "a zstd block's sequences do not end where they should");
    this.put(literals.subarray(used));
  }

  /** @param {number} value @param {number} literals @returns {number} how far back */
  resolveOffset(value, literals) {
    const known = this.repeats;
    if (value > 3) {
      this.repeats = [value - 3, known[0], known[1]];
      return value - 3;
    }
    const place = value - 1 + (literals === 0 ? 1 : 0);
    const back = place === 3 ? known[0] - 1 : known[place];
    require(back > 0, "a zstd block goes back by nothing");
    if (place === 1) this.repeats = [back, known[0], known[2]];
    else if (place > 1) this.repeats = [back, known[0], known[1]];
    return back;
  }

  /** @param {number} back @param {number} length */
  copyBack(back, length) {
    this.check(length);
    require(back <= Math.min(this.written, this.window), "a zstd block goes back behind its begin or its window");
    const { out } = this;
    let at = this.written;
    for (let from = at - back, stop = from + length; from < stop; from++) out[at++] = out[from];
    this.written = at;
  }
}

/** @param {number[]} weights all but the last symbol's @returns {{bits: number, symbols: Uint8Array, widths: Uint8Array}} */
function makeTree(weights) {
  let total = 0;
  for (const weight of weights) {
    require(weight <= MAX_HUFFMAN_BITS, "a zstd tree is too deep");
    total += weight ? 2 ** (weight - 1) : 0;
  }
  require(total > 0, "a zstd tree has no leaves");
  const bits = 32 - Math.clz32(total);
  require(bits <= MAX_HUFFMAN_BITS, "a zstd tree is too deep");
  const rest = 2 ** bits - total;
  const last = 31 - Math.clz32(rest);
  require(rest === 2 ** last, "a zstd tree does not add up");
  const all = [...weights, last + 1];
  require(all.filter((weight) => weight === 1).length > 1, "a zstd tree lacks its two deepest leaves");
  const symbols = new Uint8Array(2 ** bits);
  const widths = new Uint8Array(2 ** bits);
  let at = 0;
  for (let weight = 1; weight <= bits; weight++) {
    all.forEach((own, symbol) => {
      if (own !== weight) return;
      symbols.fill(symbol, at, at + 2 ** (weight - 1));
      widths.fill(bits + 1 - weight, at, at + 2 ** (weight - 1));
      at += 2 ** (weight - 1);
    });
  }
  if (at !== 2 ** bits) throw new Fault("a zstd tree does not fill its places");
  return { bits, symbols, widths };
}
