// Keccak-256 as Ethereum has it, and SHA-256: pure, so that it is the same wherever the page is opened.

const KECCAK_RATE = 136;
const ROUNDS = 24;
/** Low and high halves of the round constants, from the linear feedback shift register of the Keccak reference. */
const [CONSTANTS_LOW, CONSTANTS_HIGH] = makeRoundConstants();
const [ROTATIONS, LANES] = makeRotations();

/** @returns {[Uint32Array, Uint32Array]} */
function makeRoundConstants() {
  const low = new Uint32Array(ROUNDS);
  const high = new Uint32Array(ROUNDS);
  let register = 1;
  for (let round = 0; round < ROUNDS; round++) {
    for (let power = 0; power < 7; power++) {
      if (register & 1) {
        const bit = 2 ** power - 1;
        if (bit < 32) low[round] ^= 2 ** bit;
        else high[round] ^= 2 ** (bit - 32);
      }
      register = register & 128 ? ((register << 1) ^ 0x171) & 255 : register << 1;
    }
  }
  return [low, high];
}

/** Of each lane its rotation (rho), and the lane that it goes to (pi). @returns {[Uint8Array, Uint8Array]} */
function makeRotations() {
  const rotations = new Uint8Array(25);
  const lanes = new Uint8Array(25);
  let [x, y] = [1, 0];
  for (let step = 0; step < 24; step++) {
    rotations[x + 5 * y] = (((step + 1) * (step + 2)) / 2) % 64;
    [x, y] = [y, (2 * x + 3 * y) % 5];
  }
  for (let from = 0; from < 25; from++) {
    const [column, row] = [from % 5, Math.floor(from / 5)];
    lanes[from] = row + 5 * ((2 * column + 3 * row) % 5);
  }
  return [rotations, lanes];
}

const STATE_LOW = new Uint32Array(25);
const STATE_HIGH = new Uint32Array(25);
const MOVED_LOW = new Uint32Array(25);
const MOVED_HIGH = new Uint32Array(25);
const COLUMN_LOW = new Uint32Array(5);
const COLUMN_HIGH = new Uint32Array(5);

/** Keccak-f[1600] on the state above. */
function permute() {
  for (let round = 0; round < ROUNDS; round++) {
    for (let x = 0; x < 5; x++) {
      COLUMN_LOW[x] = STATE_LOW[x] ^ STATE_LOW[x + 5] ^ STATE_LOW[x + 10] ^ STATE_LOW[x + 15] ^ STATE_LOW[x + 20];
      COLUMN_HIGH[x] =
        STATE_HIGH[x] ^ STATE_HIGH[x + 5] ^ STATE_HIGH[x + 10] ^ STATE_HIGH[x + 15] ^ STATE_HIGH[x + 20];
    }
    for (let x = 0; x < 5; x++) {
      const before = (x + 4) % 5;
      const after = (x + 1) % 5;
      const low = COLUMN_LOW[before] ^ ((COLUMN_LOW[after] << 1) | (COLUMN_HIGH[after] >>> 31));
      const high = COLUMN_HIGH[before] ^ ((COLUMN_HIGH[after] << 1) | (COLUMN_LOW[after] >>> 31));
      for (let lane = x; lane < 25; lane += 5) {
        STATE_LOW[lane] ^= low;
        STATE_HIGH[lane] ^= high;
      }
    }
    for (let lane = 0; lane < 25; lane++) {
      const turn = ROTATIONS[lane];
      const low = turn < 32 ? STATE_LOW[lane] : STATE_HIGH[lane];
      const high = turn < 32 ? STATE_HIGH[lane] : STATE_LOW[lane];
      const to = LANES[lane];
      // Shifts count modulo 32, and no lane but the first, which goes by 0, has a turn of 0 or 32.
      MOVED_LOW[to] = lane ? (low << turn) | (high >>> -turn) : low;
      MOVED_HIGH[to] = lane ? (high << turn) | (low >>> -turn) : high;
    }
    for (let row = 0; row < 25; row += 5) {
      for (let x = 0; x < 5; x++) {
        const next = row + ((x + 1) % 5);
        const second = row + ((x + 2) % 5);
        STATE_LOW[row + x] = MOVED_LOW[row + x] ^ (~MOVED_LOW[next] & MOVED_LOW[second]);
        STATE_HIGH[row + x] = MOVED_HIGH[row + x] ^ (~MOVED_HIGH[next] & MOVED_HIGH[second]);
      }
    }
    STATE_LOW[0] ^= CONSTANTS_LOW[round];
    STATE_HIGH[0] ^= CONSTANTS_HIGH[round];
  }
}

/** @param {Uint8Array} bytes @returns {Uint8Array} 32 bytes */
export function keccak(bytes) {
  STATE_LOW.fill(0);
  STATE_HIGH.fill(0);
  const padded = new Uint8Array((Math.floor(bytes.length / KECCAK_RATE) + 1) * KECCAK_RATE);
  padded.set(bytes);
  padded[bytes.length] ^= 1;
  padded[padded.length - 1] ^= 128;
  const view = new DataView(padded.buffer);
  for (let start = 0; start < padded.length; start += KECCAK_RATE) {
    for (let lane = 0; lane < KECCAK_RATE / 8; lane++) {
      STATE_LOW[lane] ^= view.getUint32(start + 8 * lane, true);
      STATE_HIGH[lane] ^= view.getUint32(start + 8 * lane + 4, true);
    }
    permute();
  }
  const found = new Uint8Array(32);
  const out = new DataView(found.buffer);
  for (let lane = 0; lane < 4; lane++) {
    out.setUint32(8 * lane, STATE_LOW[lane], true);
    out.setUint32(8 * lane + 4, STATE_HIGH[lane], true);
  }
  return found;
}

const PRIMES = firstPrimes(64);
/** The first 32 bits of the fractions of the primes' square and cube roots. */
const SHA_START = Uint32Array.from(PRIMES.slice(0, 8), (prime) => fraction(prime, 2));
const SHA_CONSTANTS = Uint32Array.from(PRIMES, (prime) => fraction(prime, 3));

/** @param {number} wanted @returns {number[]} */
function firstPrimes(wanted) {
  /** @type {number[]} */
  const primes = [];
  for (let number = 2; primes.length < wanted; number++) {
    if (primes.every((prime) => number % prime)) primes.push(number);
  }
  return primes;
}

/** @param {number} prime @param {number} root 2 or 3 @returns {number} */
function fraction(prime, root) {
  // The integer root of prime · 2^(32 · root), by bisection.
  const wanted = BigInt(prime) << BigInt(32 * root);
  let [low, high] = [0n, 1n << 40n];
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** BigInt(root) <= wanted) low = middle;
    else high = middle;
  }
  return Number(low & 0xffffffffn);
}

/** @param {Uint8Array} bytes @returns {Uint8Array} 32 bytes */
export function sha256(bytes) {
  const state = Uint32Array.from(SHA_START);
  const schedule = new Uint32Array(64);
  const whole = bytes.length - (bytes.length % 64);
  const tail = new Uint8Array(bytes.length % 64 < 56 ? 64 : 128);
  tail.set(bytes.subarray(whole));
  tail[bytes.length - whole] = 128;
  const end = new DataView(tail.buffer);
  end.setUint32(tail.length - 8, Math.floor(bytes.length / 2 ** 29));
  end.setUint32(tail.length - 4, (bytes.length * 8) % 2 ** 32);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < whole; at += 64) compress(state, schedule, view, at);
  for (let at = 0; at < tail.length; at += 64) compress(state, schedule, end, at);
  const found = new Uint8Array(32);
  const out = new DataView(found.buffer);
  state.forEach((value, place) => out.setUint32(4 * place, value));
  return found;
}

/** @param {Uint32Array} state @param {Uint32Array} schedule @param {DataView} view @param {number} at */
function compress(state, schedule, view, at) {
  for (let t = 0; t < 16; t++) schedule[t] = view.getUint32(at + 4 * t);
  for (let t = 16; t < 64; t++) {
    const early = schedule[t - 15];
    const late = schedule[t - 2];
    const first = ((early >>> 7) | (early << 25)) ^ ((early >>> 18) | (early << 14)) ^ (early >>> 3);
    const second = ((late >>> 17) | (late << 15)) ^ ((late >>> 19) | (late << 13)) ^ (late >>> 10);
    schedule[t] = schedule[t - 16] + first + schedule[t - 7] + second;
  }
  let a = state[0];
  let b = state[1];
  let c = state[2];
  let d = state[3];
  let e = state[4];
  let f = state[5];
  let g = state[6];
  let h = state[7];
  for (let t = 0; t < 64; t++) {
    const sumE = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const chosen = (e & f) ^ (~e & g);
    const one = (h + sumE + chosen + SHA_CONSTANTS[t] + schedule[t]) | 0;
    const sumA = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const majority = (a & b) ^ (a & c) ^ (b & c);
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + sumA + majority) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}
