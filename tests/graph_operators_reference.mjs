// Runs small graph models with the TensorFlow.js that the npm package @vladmandic/human bundles, on the CPU, for
// src/packs/graph_operators_slow_test.cpp to compare with our conversion.
//   node tests/graph_operators_reference.mjs PACKAGE_FOLDER FOLDER
// FOLDER/cases.json is [{"name", "inputs": [{"name", "shape"}], "outputs": ["y", "y:1"]}]. For each, FOLDER/NAME holds
// model.json, weights.bin and INPUT.f32 (little-endian floats); it gets 0.f32, 1.f32, ... and shapes.json, or error.txt.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { arrayBuffer, floatBytes, loadGraphModel, loadTensorFlow } from './human_tensorflow.mjs';

const [packageFolder, folder] = process.argv.slice(2);
const tf = await loadTensorFlow(packageFolder);

async function run({ name, inputs, outputs }) {
  const own = join(folder, name);
  const json = JSON.parse(readFileSync(join(own, 'model.json'), 'utf8'));
  const model = await loadGraphModel(tf, json, readFileSync(join(own, 'weights.bin')));
  const feeds = Object.fromEntries(inputs.map((input) => [
    input.name,
    tf.tensor(new Float32Array(arrayBuffer(readFileSync(join(own, `${input.name}.f32`)))), input.shape),
  ]));
  const results = [model.execute(feeds, outputs)].flat();
  results.forEach((result, index) => writeFileSync(join(own, `${index}.f32`), floatBytes(result)));
  writeFileSync(join(own, 'shapes.json'), JSON.stringify(results.map((result) => result.shape)));
}

const cases = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8'));
for (const one of cases) {
  await run(one).catch((error) => writeFileSync(join(folder, one.name, 'error.txt'), String(error?.stack ?? error)));
}
console.log(`graph_operators_reference: ${cases.length} graphs`);
