// The TensorFlow.js that the npm package @vladmandic/human bundles, on the CPU.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

export async function loadTensorFlow(packageFolder) {
  // The bundle's Node platform wants a module that is not bundled; its browser platform wants these.
  globalThis.window = globalThis;
  globalThis.document = {};
  const tf = await import(pathToFileURL(resolve(packageFolder, 'dist/tfjs.esm.js')).href);
  await tf.setBackend('cpu');
  await tf.ready();
  return tf;
}

export const arrayBuffer = (bytes) => bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);

export const floatBytes = (tensor) => Buffer.from(Float32Array.from(tensor.dataSync()).buffer);

// `json` is a graph model's model.json, `weights` the bytes of all its weight files, one after the other.
export function loadGraphModel(tf, json, weights) {
  return tf.loadGraphModel({
    load: async () => ({
      modelTopology: { versions: { producer: '1' }, ...json.modelTopology },
      weightSpecs: json.weightsManifest.flatMap((group) => group.weights),
      weightData: arrayBuffer(weights),
      format: json.format,
      signature: json.signature,
    }),
  });
}
