// Paint in Node, without Impasto: onnxruntime-node (or onnxruntime-web) and sharp are enough.
//
//     impasto export classic -o classic.onnx
//     npm install onnxruntime-node sharp
//     node paint_onnx.mjs classic.onnx photo.jpg painting.png starry-night=0.7 udnie=0.3

import { readFile } from "node:fs/promises";
import ort from "onnxruntime-node";
import sharp from "sharp";
import { codeOf, paint, readStyles } from "./impasto.mjs";

const [model, photo, painting, ...wanted] = process.argv.slice(2);
const file = await readFile(model);
const session = await ort.InferenceSession.create(file);
const mixture = wanted.map((one) => one.split("=")).map(([name, weight = "1"]) => [name, Number(weight)]);
const code = mixture.length ? codeOf(readStyles(file), mixture) : null;

// Upright, in sRGB.
const upright = sharp(photo).rotate().toColorspace("srgb").ensureAlpha().raw();
const { data, info } = await upright.toBuffer({ resolveWithObject: true });
const painted = await paint(ort, session, data, info.width, info.height, code);
await sharp(painted, { raw: info }).toFile(painting);
