import { kept } from '../kept';
import { Refusal } from '../api';
import { t } from '../../texts';

const chosenKey = 'faceforge.camera';

/** Browsers give a camera only to pages that came over HTTPS, or from this very machine. */
export const hasCamera = () => navigator.mediaDevices?.getUserMedia !== undefined;

/** Why no camera was given, in words. */
function refusalFor(error: unknown): Refusal {
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError') return new Refusal('camera_denied', t('error.camera_denied'));
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return new Refusal('camera_missing', t('error.camera_missing'));
  if (name === 'NotReadableError') return new Refusal('camera_taken', t('error.camera_taken'));
  return new Refusal('camera_failed', t('error.camera_failed'));
}

function end(stream: MediaStream | null) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

/** A camera of this machine: which one, and its picture while it is on. */
export class Camera {
  stream = $state.raw<MediaStream | null>(null);
  devices = $state.raw<MediaDeviceInfo[]>([]);
  deviceId = $state(kept.read(chosenKey) ?? '');
  /** Width by height of its picture; as most have it, before it is known. */
  shape = $state(4 / 3);

  /** Is told why when the picture ends, other than by `stop`. */
  onlost?: (refusal: Refusal) => void;
  /** Names the start that counts: people take their time to allow a camera, and may have left by then. */
  #turn = 0;

  /**
   * Turns it on, or over to another camera. One that is stopped, or started again, while the browser asks stays off:
   * then `stream` is not of this start. Fails with a `Refusal` that says why there is no picture.
   */
  async start(size: { width: number; height: number }, deviceId = this.deviceId) {
    this.stop();
    const turn = this.#turn;
    const wish = { width: { ideal: size.width }, height: { ideal: size.height }, frameRate: { ideal: 30 } };
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: deviceId ? { ...wish, deviceId: { ideal: deviceId } } : { ...wish, facingMode: 'user' },
      });
    } catch (error) {
      if (turn !== this.#turn) return;
      throw refusalFor(error);
    }
    if (turn !== this.#turn) return end(stream);
    this.stream = stream;
    const [track] = stream.getVideoTracks();
    track?.addEventListener('ended', () => this.#lose(track));
    const { deviceId: given, width, height } = track?.getSettings() ?? {};
    this.deviceId = given ?? '';
    if (width && height) this.shape = width / height;
    kept.write(chosenKey, this.deviceId);
    // Their names are told only once one of them was allowed.
    const all = await navigator.mediaDevices.enumerateDevices();
    this.devices = all.filter((device) => device.kind === 'videoinput');
  }

  /** It was unplugged, or taken back from the page. */
  #lose(track: MediaStreamTrack) {
    if (!this.stream?.getVideoTracks().includes(track)) return;
    this.stream = null;
    this.onlost?.(new Refusal('camera_gone', t('error.camera_gone')));
  }

  stop() {
    ++this.#turn;
    end(this.stream);
    this.stream = null;
  }
}
