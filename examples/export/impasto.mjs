// Painting with a file that `impasto export` wrote, with any of the packages of ONNX Runtime for JavaScript.

/** The styles that a bank's file has, by name: `{title, code}`. `bytes` is the file, a Uint8Array. */
export function readStyles(bytes) {
  // No package gives away what a file says of itself; in the file it stands as field 14: pairs of key and value.
  for (const [number, pair] of fieldsOf(bytes)) {
    if (number !== 14) continue;
    const [key, value] = [...fieldsOf(pair)].map(([, text]) => new TextDecoder().decode(text));
    if (key === "impasto.styles") return new Map(JSON.parse(value).map(({ name, title, code }) => [name, { title, code: numbers(code) }]));
  }
  return new Map();
}

/** The code of a mixture: the mean of the codes of styles, `[name, weight]` each, by weight. */
export function codeOf(styles, mixture) {
  const total = mixture.reduce((sum, [, weight]) => sum + weight, 0);
  const code = new Float32Array(styles.get(mixture[0][0]).code.length);
  for (const [name, weight] of mixture) styles.get(name).code.forEach((value, at) => (code[at] += (value * weight) / total));
  return code;
}

/**
 * Promise the painting of a photo, both RGBA bytes, row by row. `code` is that of a style; without it the file has to be
 * that of one style. `strength` is how much of the painting shows, from 0 to 1.
 */
export async function paint({ Tensor }, session, pixels, width, height, code = null, strength = 1) {
  const count = width * height;
  const planes = new Float32Array(3 * count);
  for (let at = 0; at < count; at++) for (let c = 0; c < 3; c++) planes[c * count + at] = pixels[4 * at + c] / 255;
  const inputs = { image: new Tensor("float32", planes, [1, 3, height, width]) };
  if (code) inputs.code = new Tensor("float32", code, [1, code.length]);
  const { data } = (await session.run(inputs)).painting;
  const painted = new Uint8ClampedArray(pixels);
  for (let at = 0; at < count; at++) {
    for (let c = 0; c < 3; c++) painted[4 * at + c] += strength * (255 * data[c * count + at] - pixels[4 * at + c]);
  }
  return painted;
}

/** The fields of a message of protobuf that are bytes, with their numbers. */
function* fieldsOf(bytes) {
  let at = 0;
  const varint = () => {
    for (let value = 0, factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const length = varint(); // or a number, where it is no field of bytes
    if (key % 8 === 2) yield [Math.floor(key / 8), bytes.subarray(at, (at += length))];
  }
}

/** Numbers of 16 bits, little-endian, in base64. */
function numbers(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const halves = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 2 }, (_, at) => {
    const half = halves.getUint16(2 * at, true);
    const [exponent, fraction] = [(half >> 10) & 31, half & 1023];
    const size = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : (2 ** -14 * fraction) / 1024;
    return half >> 15 ? -size : size;
  });
}
