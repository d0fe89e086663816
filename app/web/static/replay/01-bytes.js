// Bytes, SHA-256, SM3 and HMAC in plain JavaScript: crypto.subtle is missing on plain http and in saved pages.
const utf8 = new TextEncoder();
const bytesOf = (value) => (typeof value === "string" ? utf8.encode(value) : value);
const textOf = (data) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);

function joined(...parts) {
  const all = parts.map(bytesOf);
  const out = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of all) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function be64(value) {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(value));
  return out;
}

const lp = (...parts) => joined(...parts.map(bytesOf).flatMap((part) => [be64(part.length), part]));
const u64 = (digest) => new DataView(digest.buffer, digest.byteOffset).getBigUint64(0);
const hexOf = (data) => Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");

function unhex(text) {
  if (typeof text !== "string" || !/^([0-9a-f]{2})*$/.test(text)) throw new Error(`not hexadecimal: ${text}`);
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function unbase64(text) {
  const raw = atob(text);
  if (btoa(raw) !== text) throw new Error("not base64");
  return Uint8Array.from(raw, (char) => char.charCodeAt(0));
}

// Order of bytes; of text by its UTF-8, which is not JavaScript's order of UTF-16 units.
function order(left, right) {
  const [a, b] = [bytesOf(left), bytesOf(right)];
  for (let i = 0; i < a.length && i < b.length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}
const ascending = (values) => values.every((value, i) => i === 0 || order(values[i - 1], value) < 0);

function padded(data, big) {
  const size = Math.ceil((data.length + 9) / 64) * 64;
  const out = new Uint8Array(size);
  out.set(data);
  out[data.length] = 0x80;
  new DataView(out.buffer).setBigUint64(size - 8, BigInt(data.length) * 8n, !big);
  return new DataView(out.buffer);
}

// FIPS 180-4: constants from the fractional parts of roots of primes, in integers.
const PRIMES = [];
for (let n = 2; PRIMES.length < 80; n++) if (PRIMES.every((p) => n % p)) PRIMES.push(n);
function rootBits(value, degree, bits) {
  let [low, high] = [0n, 1n << (BigInt(bits) + 10n)];
  const wanted = BigInt(value) << BigInt(degree * bits);
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** BigInt(degree) <= wanted) low = middle;
    else high = middle;
  }
  return low & ((1n << BigInt(bits)) - 1n);
}
const K256 = PRIMES.slice(0, 64).map((p) => Number(rootBits(p, 3, 32)));
const H256 = PRIMES.slice(0, 8).map((p) => Number(rootBits(p, 2, 32)));
const right = (x, n) => (x >>> n) | (x << (32 - n));
const left = (x, n) => (n % 32 ? (x << n % 32) | (x >>> (32 - (n % 32))) : x);

function wordsOut(state) {
  const out = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => out.setUint32(4 * i, word >>> 0));
  return new Uint8Array(out.buffer);
}

function sha256(value) {
  const data = padded(bytesOf(value), true);
  const state = Int32Array.from(H256);
  const w = new Int32Array(64);
  for (let at = 0; at < data.byteLength; at += 64) {
    for (let i = 0; i < 16; i++) w[i] = data.getInt32(at + 4 * i);
    for (let i = 16; i < 64; i++) {
      const s0 = right(w[i - 15], 7) ^ right(w[i - 15], 18) ^ (w[i - 15] >>> 3);
      const s1 = right(w[i - 2], 17) ^ right(w[i - 2], 19) ^ (w[i - 2] >>> 10);
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const s1 = right(e, 6) ^ right(e, 11) ^ right(e, 25);
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K256[i] + w[i]) | 0;
      const t2 = ((right(a, 2) ^ right(a, 13) ^ right(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((x, i) => (state[i] += x));
  }
  return wordsOut(state);
}

// GB/T 32905-2016.
const SM3_START = [0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e];
const p0 = (x) => x ^ left(x, 9) ^ left(x, 17);
const p1 = (x) => x ^ left(x, 15) ^ left(x, 23);

function sm3(value) {
  const data = padded(bytesOf(value), true);
  const state = Int32Array.from(SM3_START);
  const w = new Int32Array(68);
  for (let at = 0; at < data.byteLength; at += 64) {
    for (let i = 0; i < 16; i++) w[i] = data.getInt32(at + 4 * i);
    for (let i = 16; i < 68; i++)
      w[i] = p1(w[i - 16] ^ w[i - 9] ^ left(w[i - 3], 15)) ^ left(w[i - 13], 7) ^ w[i - 6];
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const t = left(i < 16 ? 0x79cc4519 : 0x7a879d8a, i);
      const s1 = left((left(a, 12) + e + t) | 0, 7);
      const s2 = s1 ^ left(a, 12);
      const ff = i < 16 ? a ^ b ^ c : (a & b) | (a & c) | (b & c);
      const gg = i < 16 ? e ^ f ^ g : (e & f) | (~e & g);
      const t1 = (ff + d + s2 + (w[i] ^ w[i + 4])) | 0;
      const t2 = (gg + h + s1 + w[i]) | 0;
      [d, c, b, a, h, g, f, e] = [c, left(b, 9), a, t1, g, left(f, 19), e, p0(t2)];
    }
    [a, b, c, d, e, f, g, h].forEach((x, i) => (state[i] ^= x));
  }
  return wordsOut(state);
}

// RFC 2104; both hashes have blocks of 64 bytes.
function hmac(hash, key, message) {
  const block = new Uint8Array(64);
  block.set(key.length > 64 ? hash(key) : key);
  const inner = hash(joined(block.map((x) => x ^ 0x36), message));
  return hash(joined(block.map((x) => x ^ 0x5c), inner));
}

// RFC 8785 for what the bundle allows; anything else is refused.
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value && typeof value === "object")
    return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
  if (typeof value === "number" && !Number.isSafeInteger(value)) throw new Error("a fraction or beyond 2^53");
  return JSON.stringify(value);
}
const same = (a, b) => canonical(a) === canonical(b);

// What a step finds wrong: thrown, caught by the runner, shown as the step's 不一致.
function need(holds, zh, en) {
  if (!holds) throw Object.assign(new Error(en), { zh });
}
