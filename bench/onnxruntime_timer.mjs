// Runs a network on ONNX Runtime, on request; what timer.h is for the timers in C++.
//
// node onnxruntime_timer.mjs MODEL.onnx INPUT THREADS BATCH SIDE
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

import { median } from './frame/statistics.mjs';

const ort = createRequire(new URL('../tests/onnxruntime/', import.meta.url))('onnxruntime-node');

const [model, inputFile, ...numbers] = process.argv.slice(2);
const [threads, batch, side] = numbers.map(Number);
const session = await ort.InferenceSession.create(model, {
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  enableCpuMemArena: true,
  enableMemPattern: true,
  logSeverityLevel: 3,
});
const bytes = readFileSync(inputFile);
const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
const feeds = {
  [session.inputNames[0]]: new ort.Tensor('float32', values, [batch, 3, side, side]),
};

let outputs;
for (let run = 0; run < 3; run += 1) outputs = await session.run(feeds);
const rootMeanSquare = ({ data }) =>
  Math.sqrt(data.reduce((sum, number) => sum + number * number, 0) / data.length);
console.log(JSON.stringify(session.outputNames.map((name) => rootMeanSquare(outputs[name]))));
for await (const line of createInterface({ input: process.stdin })) {
  const times = [];
  for (let run = 0; run < Number(line); run += 1) {
    const start = process.hrtime.bigint();
    await session.run(feeds);
    times.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
  console.log(median(times).toFixed(4));
}
