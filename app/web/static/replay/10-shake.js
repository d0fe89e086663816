// SHAKE-256 (FIPS 202): Keccak-f[1600] on pairs of 32-bit words, low word first; constants from their definition.
const RATE = 136;
const ROUND_BITS = (() => {
  const bits = [];
  for (let register = 1, i = 0; i < 255; i++) {
    bits.push(register & 1);
    register = (register << 1) ^ (register & 0x80 ? 0x171 : 0);
  }
  return bits;
})();
const IOTA = Array.from({ length: 24 }, (_, round) => {
  const words = [0, 0];
  for (let j = 0; j < 7; j++) {
    const bit = 2 ** j - 1;
    if (ROUND_BITS[(7 * round + j) % 255]) words[bit >> 5] |= 1 << (bit & 31);
  }
  return words;
});
// Rho and pi in one walk: [from lane, to lane, rotation].
const WALK = (() => {
  const steps = [];
  for (let t = 0, x = 1, y = 0; t < 24; t++) {
    const [nx, ny] = [y, (2 * x + 3 * y) % 5];
    steps.push([x + 5 * y, nx + 5 * ny, (((t + 1) * (t + 2)) / 2) % 64]);
    [x, y] = [nx, ny];
  }
  return steps;
})();

function keccak(a) {
  const [b, c] = [new Int32Array(50), new Int32Array(10)];
  for (let round = 0; round < 24; round++) {
    for (let x = 0; x < 10; x++) c[x] = a[x] ^ a[x + 10] ^ a[x + 20] ^ a[x + 30] ^ a[x + 40];
    for (let x = 0; x < 5; x++) {
      const [before, after] = [2 * ((x + 4) % 5), 2 * ((x + 1) % 5)];
      const low = c[before] ^ ((c[after] << 1) | (c[after + 1] >>> 31));
      const high = c[before + 1] ^ ((c[after + 1] << 1) | (c[after] >>> 31));
      for (let lane = 2 * x; lane < 50; lane += 10) [a[lane], a[lane + 1]] = [a[lane] ^ low, a[lane + 1] ^ high];
    }
    [b[0], b[1]] = [a[0], a[1]];
    for (const [from, to, turns] of WALK) {
      const [one, two] = turns < 32 ? [a[2 * from], a[2 * from + 1]] : [a[2 * from + 1], a[2 * from]];
      const n = turns % 32;
      b[2 * to] = n ? (one << n) | (two >>> (32 - n)) : one;
      b[2 * to + 1] = n ? (two << n) | (one >>> (32 - n)) : two;
    }
    for (let row = 0; row < 50; row += 10)
      for (let x = 0; x < 10; x++) a[row + x] = b[row + x] ^ (~b[row + ((x + 2) % 10)] & b[row + ((x + 4) % 10)]);
    a[0] ^= IOTA[round][0];
    a[1] ^= IOTA[round][1];
  }
}

// An endless stream: `take(n)` gives the next n bytes.
class Shake {
  constructor(message) {
    this.state = new Int32Array(50);
    const size = Math.floor(message.length / RATE + 1) * RATE;
    const padded = new Uint8Array(size);
    padded.set(message);
    padded[message.length] ^= 0x1f;
    padded[size - 1] ^= 0x80;
    const words = new DataView(padded.buffer);
    for (let at = 0; at < size; at += RATE) {
      for (let i = 0; i < RATE / 4; i++) this.state[i] ^= words.getInt32(at + 4 * i, true);
      keccak(this.state);
    }
    this.place = 0;
  }
  take(n) {
    const out = new Uint8Array(n);
    for (let i = 0; i < n; i++, this.place++) {
      if (this.place === RATE) {
        keccak(this.state);
        this.place = 0;
      }
      out[i] = this.state[this.place >> 2] >>> (8 * (this.place & 3));
    }
    return out;
  }
}
const shake256 = (message, n) => new Shake(message).take(n);
