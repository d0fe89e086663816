// What a reader may try: turn one bit over, or change one letter and make every digest of the files anew, as a forger would.
async function flipped(data, name) {
  const changed = data.slice();
  const file = (await unzipped(changed)).get(name);
  changed[file.packed.byteOffset + (file.packed.length >> 1)] ^= 1;
  return { data: changed };
}

// A digit or small letter near the middle of a text becomes the next one: {data, was, is}, with what stands around it.
function oneLetter(data) {
  const plain = (byte) => (byte >= 48 && byte <= 57) || (byte >= 97 && byte <= 122);
  const middle = data.length >> 1;
  const at = [data.subarray(middle).findIndex(plain) + middle, data.findIndex(plain)].find((place) => place >= 0 && plain(data[place]));
  need(at !== undefined, "文件中没有字母或数字", "the file holds no letter or digit");
  const changed = data.slice();
  changed[at] = { 57: 48, 122: 97 }[data[at]] ?? data[at] + 1;
  const around = (bytes) => new TextDecoder().decode(bytes.subarray(Math.max(0, at - 12), at + 13));
  return { data: changed, was: around(data), is: around(changed) };
}

// DEFLATE without compression: blocks of at most 65,535 bytes.
function storedBlocks(data) {
  const parts = [];
  for (let at = 0; at === 0 || at < data.length; at += 65535) {
    const part = data.subarray(at, at + 65535);
    parts.push(packed([1, at + 65535 >= data.length ? 1 : 0], [2, part.length], [2, part.length ^ 0xffff]), part);
  }
  return joined(...parts);
}

async function forged(data, name) {
  const files = await unzipped(data);
  const edit = oneLetter(files.get(name).data);
  files.set(name, { data: edit.data, packed: storedBlocks(edit.data) });
  const table = strictJson(files.get("digests.json").data, "digests.json");
  if (name !== "digests.json") {
    table.files = [...files].slice(0, -1).map(([own, file]) => ({
      name: own, size: file.data.length, sha256: hexOf(sha256(file.data)), packed_sha256: hexOf(sha256(file.packed)),
    }));
    const made = bytesOf(`${canonical(table)}\n`);
    files.set("digests.json", { data: made, packed: made });
  } else files.set(name, { data: edit.data, packed: edit.data });
  const rows = [...files].map(([own, file]) => ({ name: own, crc: crc32(file.data), size: file.data.length, data: file.packed }));
  return { ...edit, data: container(rows) };
}
