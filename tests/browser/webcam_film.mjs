// A webcam's film of people of whom there are photos, made by the browser, with what is true of each of its frames.
import { readFileSync, writeFileSync } from 'node:fs';

export const width_px = 640;
export const height_px = 480;
export const framesPerSecond = 30;

/** A frame's number stands in its lower left corner: cells from the lowest bit on, white for 1, the last for parity. */
export const mark = { bits: 11, cell_px: 14, height_px: 10 };

/** Of LFW's photos: the face lies in the middle, about so wide and high. */
const faceShare = { width: 0.38, height: 0.5 };

/**
 * Where the actors of a scene stand in one of its frames.
 *
 * in:  `scene` of actors that go round a place `at` (shares of the picture), within `reach_px`, `rounds` times; the photo is
 *      `side_px` wide, grows by `growth` until the middle of the scene, and is turned by up to `tilt_deg`; `progress` from 0 to 1
 * out: for each actor its photo's centre, side and angle
 */
function placesOf(scene, progress) {
  return scene.map(({ at, side_px, reach_px = 60, rounds = 1, growth = 1.15, tilt_deg = 6, phase = 0 }) => {
    const angle = 2 * Math.PI * (rounds * progress + phase);
    return {
      x: at[0] * width_px + reach_px * Math.cos(angle),
      y: at[1] * height_px + 0.4 * reach_px * Math.sin(angle),
      side: side_px * growth ** Math.sin(Math.PI * progress),
      turn: ((tilt_deg * Math.PI) / 180) * Math.sin(angle),
    };
  });
}

/**
 * Makes the film: one scene after the other, a cut between them.
 *
 * in:  `scenes` of actors `{ name, photo, at, side_px, ... }`, `name` null for a stranger; each `scene_s` long
 * out: what is true of each frame: the scene and its actors, each with the box of the face
 */
export async function makeFilm(browser, file, scenes, scene_s) {
  const count = Math.round(scene_s * framesPerSecond);
  if (scenes.length * count >= 2 ** mark.bits) throw new Error(`${scenes.length * count} frames; their mark has ${mark.bits} bits`);
  const page = await browser.newPage();
  const frames = [];
  const truth = [];
  for (const [index, scene] of scenes.entries()) {
    const photos = scene.map(({ photo }) => `data:image/jpeg;base64,${readFileSync(photo).toString('base64')}`);
    const places = Array.from({ length: count }, (_, frame) => placesOf(scene, frame / count));
    for (const actors of places) {
      truth.push({
        scene: index,
        actors: actors.map(({ x, y, side }, actor) => ({
          name: scene[actor].name,
          box: { x: x - (faceShare.width * side) / 2, y: y - (faceShare.height * side) / 2, width: faceShare.width * side, height: faceShare.height * side },
        })),
      });
    }
    const drawn = await page.evaluate(drawScene, { photos, places, first: index * count, width_px, height_px, mark });
    frames.push(...drawn.map((picture) => Buffer.from(picture.split(',')[1], 'base64')));
  }
  await page.close();
  writeFileSync(file, Buffer.concat(frames));
  return truth;
}

/** Runs in the browser. */
async function drawScene({ photos, places, first, width_px, height_px, mark }) {
  const images = await Promise.all(
    photos.map(async (source) => {
      const image = new Image();
      image.src = source;
      await image.decode();
      return image;
    }),
  );
  const canvas = (side, high = side) => Object.assign(document.createElement('canvas'), { width: side, height: high });
  const wall = canvas(width_px, height_px);
  const paint = wall.getContext('2d');
  paint.filter = 'blur(24px) brightness(0.7)';
  paint.drawImage(images[0], -0.1 * width_px, 0, 3 * width_px, 3 * width_px); // a corner of the photo, without its face
  const actors = images.map((image) => {
    // The photo without its corners, so that it does not end in lines.
    const cut = canvas(image.width);
    const pen = cut.getContext('2d');
    const round = pen.createRadialGradient(image.width / 2, image.width / 2, 0.4 * image.width, image.width / 2, image.width / 2, 0.5 * image.width);
    round.addColorStop(0, '#000');
    round.addColorStop(1, 'transparent');
    pen.fillStyle = round;
    pen.fillRect(0, 0, image.width, image.width);
    pen.globalCompositeOperation = 'source-in';
    pen.drawImage(image, 0, 0);
    return cut;
  });
  const picture = canvas(width_px, height_px);
  const pen = picture.getContext('2d', { willReadFrequently: true });
  return places.map((there, frame) => {
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.drawImage(wall, 0, 0);
    there.forEach(({ x, y, side, turn }, actor) => {
      pen.setTransform(Math.cos(turn), Math.sin(turn), -Math.sin(turn), Math.cos(turn), x, y);
      pen.drawImage(actors[actor], -side / 2, -side / 2, side, side);
    });
    pen.setTransform(1, 0, 0, 1, 0, 0);
    const number = first + frame;
    let ones = 0;
    for (let bit = 0; bit <= mark.bits; ++bit) {
      const one = bit < mark.bits ? (number >> bit) & 1 : ones & 1;
      ones += one;
      pen.fillStyle = one ? '#fff' : '#000';
      pen.fillRect(bit * mark.cell_px, height_px - mark.height_px, mark.cell_px, mark.height_px);
    }
    return picture.toDataURL('image/jpeg', 0.9);
  });
}

/**
 * The numbers of frames, as they stand in pictures that a page sent. Runs in the page: pass `mark` along.
 *
 * in:  `pictures` JPEG files of the size of the film
 * out: a number for each picture, null where the mark is not whole
 */
export async function readMarks(pictures, { bits, cell_px, height_px }) {
  const numbers = [];
  for (const picture of pictures) {
    const image = await createImageBitmap(new Blob([picture]));
    const strip = new OffscreenCanvas((bits + 1) * cell_px, height_px);
    const pen = strip.getContext('2d', { willReadFrequently: true });
    pen.drawImage(image, 0, image.height - height_px, strip.width, height_px, 0, 0, strip.width, height_px);
    const { data } = pen.getImageData(0, height_px / 2, strip.width, 1);
    const is = (bit) => (data[4 * (bit * cell_px + cell_px / 2)] > 128 ? 1 : 0);
    let number = 0;
    let ones = 0;
    for (let bit = 0; bit < bits; ++bit) {
      number |= is(bit) << bit;
      ones += is(bit);
    }
    numbers.push((ones & 1) === is(bits) ? number : null);
  }
  return numbers;
}
