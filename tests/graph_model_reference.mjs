// Runs a graph model of the npm package @vladmandic/human with the TensorFlow.js that it bundles, on the CPU, for
// src/packs/human_slow_test.cpp to compare with our conversion.
//   node tests/graph_model_reference.mjs PACKAGE_FOLDER MODEL SIDE FOLDER TENSOR...
// FOLDER holds input.f32 [any number,SIDE,SIDE,3], little-endian floats; it gets 0.f32, 1.f32, ...: each TENSOR of the graph
// for all pictures, one after the other.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { arrayBuffer, floatBytes, loadGraphModel, loadTensorFlow } from './human_tensorflow.mjs';

const [packageFolder, name, sideText, folder, ...tensors] = process.argv.slice(2);
const side = Number(sideText);
const tf = await loadTensorFlow(packageFolder);
const json = JSON.parse(readFileSync(join(packageFolder, 'models', `${name}.json`), 'utf8'));
const shards = json.weightsManifest.flatMap((group) => group.paths)
  .map((path) => readFileSync(join(packageFolder, 'models', path)));
const model = await loadGraphModel(tf, json, Buffer.concat(shards));

const pixels = new Float32Array(arrayBuffer(readFileSync(join(folder, 'input.f32'))));
const answers = tensors.map(() => []);
for (let start = 0; start < pixels.length; start += side * side * 3) {
  tf.tidy(() => {
    const picture = tf.tensor4d(pixels.subarray(start, start + side * side * 3), [1, side, side, 3]);
    const results = [model.execute(picture, tensors)].flat();
    results.forEach((result, index) => answers[index].push(floatBytes(result)));
  });
}
answers.forEach((parts, index) => writeFileSync(join(folder, `${index}.f32`), Buffer.concat(parts)));
console.log(`graph_model_reference: ${name} done`);
