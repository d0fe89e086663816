// The container (docs/bundle.md): every header byte is rebuilt and compared; DEFLATE (RFC 1951) is read here.
const CRC = Int32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});
function crc32(data) {
  let crc = -1;
  for (const byte of data) crc = CRC[(crc ^ byte) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

function huffman(lengths) {
  const count = new Uint16Array(16);
  const symbols = [];
  for (const length of lengths) count[length]++;
  count[0] = 0;
  for (let length = 1; length < 16; length++)
    lengths.forEach((own, symbol) => own === length && symbols.push(symbol));
  return { count, symbols };
}
const LENGTHS = [];
const DISTANCES = [];
for (let i = 0, at = 3; i < 28; at += 1 << LENGTHS[i][1], i++) LENGTHS[i] = [at, i < 8 ? 0 : (i >> 2) - 1];
LENGTHS[28] = [258, 0];
for (let i = 0, at = 1; i < 30; at += 1 << DISTANCES[i][1], i++) DISTANCES[i] = [at, i < 4 ? 0 : (i >> 1) - 1];
const FIXED = [
  huffman(Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8))),
  huffman(Array(30).fill(5)),
];
const CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

class Inflater {
  constructor(data, size) {
    [this.data, this.out, this.bit, this.at] = [data, new Uint8Array(size), 0, 0];
  }
  bits(n) {
    let value = 0;
    for (let i = 0; i < n; i++, this.bit++) {
      need(this.bit >> 3 < this.data.length, "压缩数据不完整", "compressed data ends early");
      value |= ((this.data[this.bit >> 3] >> (this.bit & 7)) & 1) << i;
    }
    return value;
  }
  symbol({ count, symbols }) {
    let [code, first, index] = [0, 0, 0];
    for (let length = 1; length < 16; length++) {
      code |= this.bits(1);
      if (code - first < count[length]) return symbols[index + code - first];
      index += count[length];
      first = (first + count[length]) << 1;
      code <<= 1;
    }
    throw new Error("bad code");
  }
  put(byte) {
    need(this.at < this.out.length, "解压后超出所称大小", "unpacks to more than its size");
    this.out[this.at++] = byte;
  }
  stored() {
    this.bit = (this.bit + 7) & ~7;
    const length = this.bits(16);
    need((this.bits(16) ^ 0xffff) === length, "压缩块长度错", "bad stored block");
    for (let i = 0; i < length; i++) this.put(this.bits(8));
  }
  tables() {
    const [literals, distances, codes] = [this.bits(5) + 257, this.bits(5) + 1, this.bits(4) + 4];
    const lengths = Array(19).fill(0);
    for (let i = 0; i < codes; i++) lengths[CODE_ORDER[i]] = this.bits(3);
    const code = huffman(lengths);
    const all = [];
    while (all.length < literals + distances) {
      const symbol = this.symbol(code);
      if (symbol < 16) all.push(symbol);
      else {
        const [value, bits, base] = symbol === 16 ? [all.at(-1), 2, 3] : symbol === 17 ? [0, 3, 3] : [0, 7, 11];
        for (let i = this.bits(bits) + base; i > 0; i--) all.push(value);
      }
    }
    return [huffman(all.slice(0, literals)), huffman(all.slice(literals))];
  }
  coded([literal, distance]) {
    for (let symbol = this.symbol(literal); symbol !== 256; symbol = this.symbol(literal)) {
      if (symbol < 256) {
        this.put(symbol);
        continue;
      }
      const [length, more] = LENGTHS[symbol - 257];
      const wanted = length + this.bits(more);
      const [back, extra] = DISTANCES[this.symbol(distance)];
      const from = back + this.bits(extra);
      need(from <= this.at, "压缩数据错", "bad distance");
      for (let i = 0; i < wanted; i++) this.put(this.out[this.at - from]);
    }
  }
  run() {
    for (let last = 0; !last; ) {
      last = this.bits(1);
      const kind = this.bits(2);
      need(kind < 3, "压缩块类型错", "bad block");
      if (kind === 0) this.stored();
      else this.coded(kind === 1 ? FIXED : this.tables());
    }
    need(this.at === this.out.length, "解压后大小不符", "another size than stated");
    need((this.bit + 7) >> 3 === this.data.length, "压缩数据之后还有字节", "bytes after the compressed data");
    return this.out;
  }
}

// `fields`: [bytes, value] little-endian.
function packed(...fields) {
  return Uint8Array.from(fields.flatMap(([n, value]) => Array.from({ length: n }, (_, i) => (value / 2 ** (8 * i)) & 255)));
}

function directoryOf(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  need(data.length >= 22 && data.length <= 2 ** 29, "不是归档文件或过大", "not an archive, or too large");
  const end = data.length - 22;
  const [count, start] = [view.getUint16(end + 10, true), view.getUint32(end + 16, true)];
  need(view.getUint32(end, true) === 0x06054b50 && 0 < count && count <= 4096, "文件末尾记录不符", "end record differs");
  const rows = [];
  let at = start;
  for (let i = 0; i < count; i++) {
    need(at + 46 <= end, "目录不完整", "directory ends early");
    const size = view.getUint16(at + 28, true);
    rows.push({
      name: textOf(data.subarray(at + 46, at + 46 + size)),
      crc: view.getUint32(at + 16, true),
      packed: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
    });
    at += 46 + size;
  }
  return rows;
}

// The container of rows {name, crc, size, data}, `data` being the packed bytes.
function container(rows) {
  const [parts, directory] = [[], []];
  let at = 0;
  for (const { name, crc, size, data } of rows) {
    const own = bytesOf(name);
    const method = name === "digests.json" ? 0 : 8;
    const common = [[2, 20], [2, 0x800], [2, method], [2, 0], [2, 0x21], [4, crc], [4, data.length], [4, size], [2, own.length], [2, 0]];
    const local = joined(packed([4, 0x04034b50], ...common), own);
    parts.push(local, data);
    directory.push(packed([4, 0x02014b50], [2, 0x314], ...common, [2, 0], [2, 0], [2, 0], [4, 0o100644 * 65536], [4, at]), own);
    at += local.length + data.length;
  }
  const listed = joined(...directory);
  const n = rows.length;
  return joined(...parts, listed, packed([4, 0x06054b50], [2, 0], [2, 0], [2, n], [2, n], [4, listed.length], [4, at], [2, 0]));
}
function rebuilt(rows, data) {
  let at = 0;
  for (const row of rows) {
    at += 30 + bytesOf(row.name).length;
    row.data = data.subarray(at, (at += row.packed));
    need(row.data.length === row.packed, `${row.name} 不完整`, `${row.name} is cut short`);
  }
  return container(rows);
}

// {name: {data, packed, crc, size}} of a bundle, in order; the checksum of digests.json itself is left to its step.
async function unzipped(data, breath = async () => {}) {
  const rows = directoryOf(data);
  const names = rows.map((row) => row.name);
  need(names.at(-1) === "digests.json" && ascending(names.slice(0, -1)), "条目次序不符", "entries out of order");
  const parts = names.map((name) => name.replace(/^log\/(?=proofs\/)/, "").split("/"));
  need(parts.every((own) => own.length <= 2 && own.every(safePart)), "文件名不合规", "a file name breaks the rule");
  need(rows.every((row) => row.size <= (row.name.endsWith(".json") ? 2 ** 26 : 2 ** 28)) && rows.reduce((sum, row) => sum + row.size, 0) <= 2 ** 30, "超过大小上限", "over the limits");
  need(order(rebuilt(rows, data), data) === 0, "容器的字节与重建的不同", "bytes of the container differ from those rebuilt");
  const files = new Map();
  for (const [i, row] of rows.entries()) {
    await breath(i, rows.length);
    const { name, crc, size } = row;
    const last = name === "digests.json";
    const contents = last ? row.data : new Inflater(row.data, size).run();
    need(last || (crc32(contents) === crc && contents.length === size), `${name} 校验和不符`, `${name}: checksum differs`);
    files.set(name, { data: contents, packed: row.data, crc, size });
  }
  return files;
}
