// Runs the networks of the npm package @vladmandic/face-api with its own JavaScript (bundled
// TensorFlow.js on the CPU), for src/packs/faceapi_slow_test.cpp to compare with our conversion.
//   node tests/faceapi_reference.mjs PACKAGE_FOLDER FOLDER
// FOLDER holds any number of pictures one after the other in ssd.f32 [512,512,3], tiny.f32 [416,416,3],
// landmarks.f32 [112,112,3] and recognition.f32 [150,150,3], little-endian floats of 0..255, RGB, row by row; it gets for
// each, one after the other, ssd_boxes.f32 [5118,4], ssd_scores.f32 [5118], tiny_boxes.f32 [845,4],
// tiny_scores.f32 [845], landmarks_out.f32 [136], descriptor.f32 [128].
import { appendFileSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [packageFolder, folder] = process.argv.slice(2);
// The bundle's Node platform wants a module that is not bundled; its browser platform wants these.
globalThis.window = globalThis;
globalThis.document = {};
const faceapi = await import(pathToFileURL(resolve(packageFolder, 'dist/face-api.esm.js')).href);
const { tf } = faceapi;
await tf.setBackend('cpu');
await tf.ready();

function load(net, name) {
  const manifest = JSON.parse(
    readFileSync(join(packageFolder, 'model', `${name}-weights_manifest.json`), 'utf8'));
  const bytes = readFileSync(join(packageFolder, 'model', manifest[0].paths[0]));
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  net.loadFromWeightMap(tf.io.decodeWeights(buffer, manifest[0].weights));
  return net;
}

function* pictures(name, side) {
  const bytes = readFileSync(join(folder, `${name}.f32`));
  const values = new Float32Array(
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const size = side * side * 3;
  for (let start = 0; start < values.length; start += size) {
    yield tf.tensor4d(values.subarray(start, start + size), [1, side, side, 3]);
  }
}

function write(name, tensor) {
  appendFileSync(join(folder, `${name}.f32`), Buffer.from(Float32Array.from(tensor.dataSync()).buffer));
}

const ssd = load(new faceapi.SsdMobilenetv1(), 'ssd_mobilenetv1_model');
for (const picture of pictures('ssd', 512)) {
  const { boxes, scores } = await ssd.forward(picture);
  write('ssd_boxes', boxes[0]);
  write('ssd_scores', scores[0]);
  tf.dispose([picture, boxes, scores]);
}
const tiny = load(new faceapi.TinyFaceDetector(), 'tiny_face_detector_model');
for (const picture of pictures('tiny', 416)) {
  const found = await tiny.extractBoxes(await tiny.forward(picture, 416), { width: 416, height: 416 });
  write('tiny_boxes', tf.tensor(found.map(({ box }) => [box.top, box.left, box.bottom, box.right])));
  write('tiny_scores', tf.tensor(found.map(({ score }) => score)));
}
const landmarks = load(new faceapi.FaceLandmark68Net(), 'face_landmark_68_model');
for (const picture of pictures('landmarks', 112)) write('landmarks_out', await landmarks.forward(picture));
const recognition = load(new faceapi.FaceRecognitionNet(), 'face_recognition_model');
for (const picture of pictures('recognition', 150)) write('descriptor', await recognition.forward(picture));
console.log(`faceapi_reference: ${faceapi.version?.faceapi ?? faceapi.version} done`);
