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

/** A camera of this machine: which one, and its picture while it is on. */
export class Camera {
  stream = $state.raw<MediaStream | null>(null);
  devices = $state.raw<MediaDeviceInfo[]>([]);
  deviceId = $state(kept.read(chosenKey) ?? '');

  /** Turns it on, or over to another camera. Fails with a `Refusal` that says why there is no picture. */
  async start(size: { width: number; height: number }, deviceId = this.deviceId) {
    this.stop();
    const wish = { width: { ideal: size.width }, height: { ideal: size.height }, frameRate: { ideal: 30 } };
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: deviceId ? { ...wish, deviceId: { ideal: deviceId } } : { ...wish, facingMode: 'user' },
      });
    } catch (error) {
      throw refusalFor(error);
    }
    this.deviceId = this.stream.getVideoTracks()[0]?.getSettings().deviceId ?? '';
    kept.write(chosenKey, this.deviceId);
    // Their names are told only once one of them was allowed.
    const all = await navigator.mediaDevices.enumerateDevices();
    this.devices = all.filter((device) => device.kind === 'videoinput');
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
  }
}
