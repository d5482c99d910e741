// What FaceForge promises: how many times faster than which rival. Goals of networks on bytes hold
// where the processor multiplies bytes (VNNI); without it packs on floats are served, and the goals
// of detectors and of a photo hold for them.

const embedder = /^MobileFaceNet/;
const detector = /^(RetinaFace|SCRFD-2\.5G|YuNet)/;

const goals = [
  { name: /^IResNet-50 int8/, rival: /^ONNX Runtime/, at_least: 4, vnni: true },
  { name: /^IResNet-50 fp32/, rival: /^ONNX Runtime/, at_least: 1.15 },
  { name: embedder, precision: 'int8', rival: /^ONNX Runtime/, at_least: 2.5, vnni: true },
  { name: detector, precision: 'int8', rival: /^ONNX Runtime/, at_least: 2, vnni: true },
  { name: detector, precision: 'fp32', rival: /^ONNX Runtime/, at_least: 2, vnni: false },
  { name: /^SCRFD-2\.5G/, precision: 'int8', rival: /^OpenCV/, at_least: 4, vnni: true },
  { name: /^SCRFD-2\.5G/, precision: 'fp32', rival: /^OpenCV/, at_least: 4, vnni: false },
  { name: /photo.* int8/, rival: /OpenCV/, at_least: 5, vnni: true },
  { name: /photo.* fp32/, rival: /OpenCV/, at_least: 5, vnni: false },
  { name: /^exact top-10/, rival: /^FAISS/, at_least: 7, batch: 1 },
  { name: /^HTTP identify/, rival: /pipeline called directly/, at_least: 0.9 },
];

/**
 * The goal of a row, or nothing: `{ at_least, state }`, the state being met, missed or `needs
 * VNNI`.
 */
export function goalOf(row, machine) {
  const goal = goals.find(
    ({ name, rival, precision, batch }) =>
      name.test(row.name) &&
      rival.test(row.rival ?? '') &&
      (!precision || precision === row.precision) &&
      (!batch || batch === row.batch),
  );
  const has_vnni = !machine.instructions.includes('no VNNI');
  if (!goal || (goal.vnni === false && has_vnni)) return undefined;
  const can = !goal.vnni || has_vnni;
  const state = row.ratio >= goal.at_least ? 'met' : can ? 'missed' : 'needs VNNI';
  return { at_least: goal.at_least, state };
}
