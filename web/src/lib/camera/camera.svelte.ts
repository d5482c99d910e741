import { kept } from '../kept';
import { Refusal } from '../api';
import { t } from '../../texts';

const chosenKey = 'faceforge.camera';

/** Browsers give a camera only to pages that came over HTTPS, or from this very machine. */
export const hasCamera = () => navigator.mediaDevices?.getUserMedia !== undefined;

/** Whether an error says that no camera is as it was asked for. */
const isNotThere = (error: unknown) =>
  error instanceof DOMException && (error.name === 'OverconstrainedError' || error.name === 'NotFoundError');

/** Why no camera was given, in words. */
function refusalFor(error: unknown): Refusal {
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError') return new Refusal('camera_denied', t('error.camera_denied'));
  if (isNotThere(error)) return new Refusal('camera_missing', t('error.camera_missing'));
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

  /** Whether it was lost: unplugged, or taken back from the page. */
  isGone = $state(false);
  /** Is told why when the picture ends, other than by `stop`. */
  onlost?: (refusal: Refusal) => void;
  /** Names the start that counts: people take their time to allow a camera, and may have left by then. */
  #turn = 0;

  /**
   * Turns it on, or over to another camera; where that is not there, to any. One that is stopped, or started again, while the browser asks stays off:
   * then `stream` is not of this start. Fails with a `Refusal` that says why there is no picture.
   */
  async start(size: { width: number; height: number }, deviceId = this.deviceId) {
    this.stop();
    const turn = this.#turn;
    const wish = { width: { ideal: size.width }, height: { ideal: size.height }, frameRate: { ideal: 30 } };
    const ask = (which: MediaTrackConstraints) => navigator.mediaDevices.getUserMedia({ audio: false, video: { ...wish, ...which } });
    const any = () => ask({ facingMode: 'user' });
    let stream: MediaStream;
    try {
      // That very one, for a browser holds the size against a mere wish; another one where it is not there any more.
      const found = deviceId ? ask({ deviceId: { exact: deviceId } }) : any();
      stream = await found.catch((error: unknown) => {
        if (!deviceId || !isNotThere(error) || turn !== this.#turn) throw error;
        return any();
      });
    } catch (error) {
      if (turn !== this.#turn) return;
      throw refusalFor(error);
    }
    if (turn !== this.#turn) return end(stream);
    this.stream = stream;
    this.isGone = false;
    const [track] = stream.getVideoTracks();
    track?.addEventListener('ended', () => this.#lose(track));
    const { deviceId: given, width, height } = track?.getSettings() ?? {};
    this.deviceId = given ?? '';
    if (width && height) this.shape = width / height;
    kept.write(chosenKey, this.deviceId);
    // Their names are told only once one of them was allowed.
    await this.#list();
  }

  async #list() {
    const all = await navigator.mediaDevices.enumerateDevices();
    this.devices = all.filter((device) => device.kind === 'videoinput');
  }

  /** It was unplugged, or taken back from the page. */
  #lose(track: MediaStreamTrack) {
    if (!this.stream?.getVideoTracks().includes(track)) return;
    this.stop();
    this.isGone = true;
    void this.#list().catch(() => {}); // those of before are shown then
    this.onlost?.(new Refusal('camera_gone', t('error.camera_gone')));
  }

  stop() {
    ++this.#turn;
    end(this.stream);
    this.stream = null;
  }
}
