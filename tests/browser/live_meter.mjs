// Measures the live page from within, with nothing in the page that helps: what it sends and receives, when the camera
// took the frames and when their boxes are on the screen; and holds that against what is true of the film.
import { framesPerSecond, mark, readMarks } from './webcam_film.mjs';

/** Runs in the page before anything of it: from now on everything is noted. */
export function installMeter() {
  const meter = { sent: [], received: [], drawn: [], grabs: [], captured_ms: 0, undrawn: [], since_ms: 0 };
  window.liveMeter = meter;
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (message) {
    meter.sent.push({ id: new DataView(message).getUint32(0), captured_ms: meter.grabs.shift(), sent_ms: performance.now(), picture: message.slice(4) });
    return send.call(this, message);
  };
  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      this.addEventListener('message', ({ data }) => {
        const message = JSON.parse(data);
        meter.received.push({ message, received_ms: performance.now() });
        if (message.type === 'result' && message.faces.length > 0) meter.undrawn.push(message.frame_id);
      });
      this.addEventListener('close', () => meter.grabs.splice(0));
    }
  };
  const { requestVideoFrameCallback } = HTMLVideoElement.prototype;
  HTMLVideoElement.prototype.requestVideoFrameCallback = function (callback) {
    return requestVideoFrameCallback.call(this, (now, metadata) => {
      meter.captured_ms = metadata.captureTime;
      callback(now, metadata);
    });
  };
  const { createImageBitmap } = window;
  window.createImageBitmap = (source, ...rest) => {
    if (source instanceof HTMLVideoElement) meter.grabs.push(meter.captured_ms);
    return createImageBitmap(source, ...rest);
  };
  const painted = new MessageChannel();
  let waiting = [];
  painted.port1.onmessage = () => {
    for (const note of waiting.splice(0)) meter.drawn.push({ ...note, drawn_ms: performance.now() });
  };
  new MutationObserver(() => {
    const boxes = [...document.querySelectorAll('.faces .box')];
    if (boxes.length === 0) return;
    waiting.push({
      frames: meter.undrawn.splice(0),
      captured_ms: meter.captured_ms,
      boxes: boxes.map(({ style, dataset }) => ({
        track: Number(dataset.track),
        x: (parseFloat(style.left) + parseFloat(style.width) / 2) / 100,
        y: (parseFloat(style.top) + parseFloat(style.height) / 2) / 100,
        width: parseFloat(style.width) / 100,
      })),
    });
    // What changed is painted after the callbacks of this very turn.
    requestAnimationFrame(() => painted.port2.postMessage(null));
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['style'] });
}

/** What the page did in so many milliseconds from now on. */
export async function measure(page, duration_ms) {
  await page.evaluate(() => Object.assign(window.liveMeter, { sent: [], received: [], drawn: [], since_ms: performance.now() }));
  await page.waitForTimeout(duration_ms);
  const noted = await page.evaluate(() => {
    const { sent, received, drawn, since_ms } = window.liveMeter;
    const pictures = sent.map(({ picture }) => picture);
    window.liveMeter.sent = [];
    window.livePictures = pictures;
    const facts = sent.map(({ picture, ...rest }) => ({ ...rest, bytes: picture.byteLength }));
    return { sent: facts, received: received.slice(), drawn: drawn.slice(), seconds: (performance.now() - since_ms) / 1000 };
  });
  const numbers = await page.evaluate(`(${readMarks})(window.livePictures, ${JSON.stringify(mark)})`);
  noted.sent.forEach((frame, index) => (frame.number = numbers[index]));
  return noted;
}

export const quantile = (values, share) => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))] ?? NaN;

const liesIn = (face, box) => {
  const x = face.x + face.width / 2;
  const y = face.y + face.height / 2;
  return x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height;
};

/** Every face of every result against the actors of the frame it is about. */
export function judge({ sent, received }, truth) {
  const frames = new Map(sent.map((frame) => [frame.id, frame]));
  const known = { right: 0, missed: 0, undecided: 0, notFound: 0 };
  const strangers = { unknown: 0, notSure: 0, undecided: 0, notFound: 0 };
  const wrong = [];
  for (const { message } of received) {
    const frame = message.type === 'result' ? frames.get(message.frame_id) : undefined;
    if (!frame || frame.number === null) continue;
    const { actors, scene } = truth[frame.number];
    for (const face of message.faces) {
      const actor = actors.find(({ box }) => liesIn(face.box, box));
      if (face.person !== null && face.person !== actor?.name) wrong.push(`${face.person} for ${actor?.name ?? 'a stranger'} (scene ${scene})`);
    }
    for (const actor of actors) {
      const face = message.faces.find(({ box }) => liesIn(box, actor.box));
      const tally = actor.name === null ? strangers : known;
      if (!face) tally.notFound += 1;
      else if (face.decision === 'undecided') tally.undecided += 1;
      else if (actor.name === null) strangers[face.decision === 'ambiguous' ? 'notSure' : 'unknown'] += face.person === null ? 1 : 0;
      else known[face.person === actor.name ? 'right' : 'missed'] += 1;
    }
  }
  return { known, strangers, wrong };
}

/** Milliseconds from a frame's capture to its result, and to its boxes being on the screen. */
export function latencies({ sent, received, drawn }) {
  const captured = new Map(sent.map(({ id, captured_ms }) => [id, captured_ms]));
  const since = (id, at_ms) => (captured.has(id) ? [at_ms - captured.get(id)] : []);
  return {
    sent_ms: sent.map(({ captured_ms, sent_ms }) => sent_ms - captured_ms),
    answered_ms: received.flatMap(({ message, received_ms }) => (message.type === 'result' ? since(message.frame_id, received_ms) : [])),
    drawn_ms: drawn.flatMap(({ frames, drawn_ms }) => frames.flatMap((id) => since(id, drawn_ms))),
  };
}

/**
 * By how many milliseconds two frames were captured sooner or later after each other than they are in the film: less than a
 * frame's time, but for a camera that stutters, only where each frame that was sent is the one that was captured then.
 */
export function unevenness({ sent }) {
  const frames = sent.filter(({ number }) => number !== null);
  return frames.slice(1).map(({ captured_ms, number }, index) => {
    const before = frames[index];
    const steps = number - before.number;
    return steps < 0 ? 0 : Math.abs(captured_ms - before.captured_ms - (1000 * steps) / framesPerSecond); // the film began anew
  });
}
