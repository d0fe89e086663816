// The log: inclusion proofs (RFC 9162), signed notes (C2SP) and Ed25519 (RFC 8032).
const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const modP = (x) => ((x % P) + P) % P;
function power(base, exponent) {
  let result = 1n;
  for (base = modP(base); exponent; exponent >>= 1n, base = modP(base * base))
    if (exponent & 1n) result = modP(result * base);
  return result;
}
const D25519 = modP(-121665n * power(121666n, P - 2n));
const ROOT_M1 = power(2n, (P - 1n) / 4n);

const K512 = PRIMES.map((p) => rootBits(p, 3, 64));
const H512 = PRIMES.slice(0, 8).map((p) => rootBits(p, 2, 64));
const M64 = WIDE - 1n;
const turn = (x, n) => ((x >> n) | (x << (64n - n))) & M64;
function sha512(value) {
  const raw = bytesOf(value);
  const size = Math.ceil((raw.length + 17) / 128) * 128;
  const all = new Uint8Array(size);
  all.set(raw);
  all[raw.length] = 0x80;
  const data = new DataView(all.buffer);
  data.setBigUint64(size - 8, BigInt(raw.length) * 8n);
  const state = [...H512];
  for (let at = 0; at < size; at += 128) {
    const w = Array.from({ length: 16 }, (_, i) => data.getBigUint64(at + 8 * i));
    for (let i = 16; i < 80; i++) {
      const s0 = turn(w[i - 15], 1n) ^ turn(w[i - 15], 8n) ^ (w[i - 15] >> 7n);
      const s1 = turn(w[i - 2], 19n) ^ turn(w[i - 2], 61n) ^ (w[i - 2] >> 6n);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) & M64;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 80; i++) {
      const t1 = h + (turn(e, 14n) ^ turn(e, 18n) ^ turn(e, 41n)) + ((e & f) ^ (~e & M64 & g)) + K512[i] + w[i];
      const t2 = (turn(a, 28n) ^ turn(a, 34n) ^ turn(a, 39n)) + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) & M64, c, b, a, (t1 + t2) & M64];
    }
    [a, b, c, d, e, f, g, h].forEach((x, i) => (state[i] = (state[i] + x) & M64));
  }
  return joined(...state.map(be64));
}

const little = (data) => data.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
function point(data) {
  const raw = little(data);
  const [sign, y] = [raw >> 255n, raw & (2n ** 255n - 1n)];
  if (y >= P) return null;
  const xx = modP((y * y - 1n) * power(D25519 * y * y + 1n, P - 2n));
  let x = power(xx, (P + 3n) / 8n);
  if (modP(x * x - xx)) x = modP(x * ROOT_M1);
  if (modP(x * x - xx) || (x === 0n && sign)) return null;
  if ((x & 1n) !== sign) x = P - x;
  return [x, y, 1n, modP(x * y)];
}
function added([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const [a, b, c, d] = [(y1 - x1) * (y2 - x2), (y1 + x1) * (y2 + x2), 2n * t1 * t2 * D25519, 2n * z1 * z2].map(modP);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [modP(e * f), modP(g * h), modP(f * g), modP(e * h)];
}
function times(scalar, base) {
  let sum = [0n, 1n, 1n, 0n];
  for (; scalar; scalar >>= 1n, base = added(base, base)) if (scalar & 1n) sum = added(sum, base);
  return sum;
}
const BASE = point(Uint8Array.from([0x58, ...Array(31).fill(0x66)]));

function ed25519(key, message, signature) {
  const [A, R, S] = [point(key), point(signature.subarray(0, 32)), little(signature.subarray(32))];
  if (signature.length !== 64 || !A || !R || S >= L) return false;
  const k = little(sha512(joined(signature.subarray(0, 32), key, message))) % L;
  const [one, two] = [times(S, BASE), added(R, times(k, A))];
  return modP(one[0] * two[2] - two[0] * one[2]) === 0n && modP(one[1] * two[2] - two[1] * one[2]) === 0n;
}

function noteOf(text, label = "检查点") {
  const cut = text.lastIndexOf("\n\n");
  const body = text.slice(0, cut + 1);
  const signatures = text.slice(cut + 2, -1).split("\n").map((line) => line.match(/^— ([^ ]+) ([^ ]+)$/));
  const clean = !/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]|[^\P{Zs} ]/u.test(text.replaceAll("\n", ""));
  need(cut > 0 && text.endsWith("\n") && clean && signatures.every(Boolean), `${label}不是签名文本`, "the checkpoint is no signed note");
  const [origin, size, root] = body.split("\n");
  need(/^(0|[1-9][0-9]{0,18})$/.test(size), `${label}格式错`, "the checkpoint is malformed");
  return { body, origin, size: BigInt(size), root: unbase64(root), signatures: signatures.map(([, name, raw]) => [name, unbase64(raw)]) };
}

// Names of the given keys (`name+id+base64`) that signed; a given key's bad signature spoils all, and one must be good.
function signers(note, vkeys) {
  const found = [];
  for (const vkey of vkeys) {
    const [name, id, ...rest] = vkey.split("+");
    const raw = unbase64(rest.join("+"));
    const expected = sha256(joined(`${name}\n`, raw)).subarray(0, 4);
    need(raw.length === 33 && raw[0] === 1 && hexOf(expected) === id, "所给的不是 Ed25519 日志公钥", "what was given is no Ed25519 log key");
    for (const [by, data] of note.signatures)
      if (by === name && order(data.subarray(0, 4), expected) === 0) {
        need(ed25519(raw.subarray(1), bytesOf(note.body), data.subarray(4)), "检查点的签名无效", "the checkpoint's signature is not valid");
        found.push(name);
      }
  }
  need(found.length, "检查点没有所给公钥的签名", "the checkpoint is not signed with a key that was given");
  return found;
}

// RFC 9162 section 2.1.3.2.
function included(leaf, index, size, path, root, hash = sha256) {
  let [node, fn, sn] = [hash(joined(Uint8Array.of(0), leaf)), index, size - 1n];
  if (index >= size) return false;
  for (const other of path) {
    if (sn === 0n) return false;
    if (fn & 1n || fn === sn) {
      node = hash(joined(Uint8Array.of(1), other, node));
      while (!(fn & 1n) && fn) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else node = hash(joined(Uint8Array.of(1), node, other));
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n && order(node, root) === 0;
}

function checkProof(text, checkpoint, row) {
  const cut = text.indexOf("\n\n");
  const [head, place, ...path] = text.slice(0, cut).split("\n");
  need(head === "c2sp.org/tlog-proof@v1" && text.slice(cut + 2) === checkpoint, "证明不属于该检查点", "the proof is not of this checkpoint");
  need(place === `index ${row.index}`, "证明的序号与日志不同", "the proof's index differs from the log");
  const note = noteOf(checkpoint);
  need(included(bytesOf(canonical(row.entry)), BigInt(row.index), note.size, path.map(unbase64), note.root), `第 ${row.index} 条不在签名的日志中`, `entry ${row.index} is not in the signed log`);
}
