// Runs a model in ONNX Runtime, as the reference that src/nn's slow tests compare with.
//
// node reference.mjs MODEL INPUT OUTPUT DIMENSION...
//
// INPUT holds the numbers of the model's only input as little-endian 32-bit floats. OUTPUT receives
// each output in the model's order: its rank as uint32, its dimensions as uint32, its floats.
import { readFileSync, writeFileSync } from 'node:fs';
import ort from 'onnxruntime-node';

const [model, inputFile, outputFile, ...dimensions] = process.argv.slice(2);
const session = await ort.InferenceSession.create(model, {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  logSeverityLevel: 3,
});
const bytes = readFileSync(inputFile);
const numbers = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
const input = new ort.Tensor('float32', numbers, dimensions.map(Number));
const results = await session.run({ [session.inputNames[0]]: input });
const parts = [];
for (const name of session.outputNames) {
  const { dims, data } = results[name];
  parts.push(Buffer.from(Uint32Array.of(dims.length, ...dims).buffer));
  parts.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
}
writeFileSync(outputFile, Buffer.concat(parts));
