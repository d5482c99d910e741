import { frameMessage, type LiveMessage, type LiveResult } from './messages';

export type LiveState = 'connecting' | 'open' | 'waiting' | 'refused';

/** Reasons for which trying again changes nothing: somebody has to do something first. */
const final = new Set(['gallery_not_found', 'gallery_not_trained', 'not_permitted', 'session_ended', 'model_mismatch', 'frames_unusable']);
const patience_ms = { first: 500, most: 15_000 };
const inFlightMax = 2;
const smoothing = 0.15;

/**
 * The live socket of a gallery: frames go out as fast as results come back, and no faster. A connection that breaks is
 * made again by itself, after a wait that doubles.
 */
export class LiveSocket {
  state = $state<LiveState>('connecting');
  /** Why the server refused, as its slug. */
  reason = $state('');
  /** Frames on their way or being looked at. */
  inFlight = $state(0);
  /** From a frame's capture to its result, smoothed; null before the first. */
  latency_ms = $state<number | null>(null);
  /** Results a second, smoothed. */
  rate_hz = $state(0);
  #socket: WebSocket | null = null;
  #sent = new Map<number, { at_ms: number; picture: Blob }>();
  #next = 1;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last_ms = 0;
  #closed = false;

  /** `onresult` gets each result with the frame it is about, and when that was captured (`performance.now()`). */
  constructor(
    private readonly address: string,
    private readonly onresult: (result: LiveResult, picture: Blob, at_ms: number) => void,
    private readonly makeSocket: (address: string) => WebSocket = (to) => new WebSocket(to),
  ) {
    this.#connect();
  }

  /** Whether a frame would be sent now; one that is not is simply not sent: the next is newer. */
  get wantsFrame() {
    return this.state === 'open' && this.inFlight < inFlightMax;
  }

  async send(picture: Blob, at_ms: number) {
    const id = this.#next++;
    const socket = this.#socket;
    this.#sent.set(id, { at_ms, picture });
    this.inFlight = this.#sent.size;
    const message = await frameMessage(id, picture);
    if (socket?.readyState === WebSocket.OPEN) socket.send(message);
    else this.#forget();
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#forget();
  }

  #connect() {
    this.state = 'connecting';
    const socket = (this.#socket = this.makeSocket(this.address));
    socket.onmessage = (event: MessageEvent<string>) => this.#take(JSON.parse(event.data) as LiveMessage);
    socket.onclose = (event) => {
      if (socket === this.#socket) this.#lost(event.reason);
    };
  }

  #take(message: LiveMessage) {
    if (message.type === 'ready') {
      this.state = 'open';
      this.#failures = 0;
      return;
    }
    const sent = this.#sent.get(message.frame_id);
    // Frames before this one were dropped for it.
    for (const id of this.#sent.keys()) if (id <= message.frame_id) this.#sent.delete(id);
    this.inFlight = this.#sent.size;
    if (message.type === 'error' || !sent) return;
    this.#measure(performance.now(), sent.at_ms);
    this.onresult(message, sent.picture, sent.at_ms);
  }

  #measure(now_ms: number, at_ms: number) {
    const latency = now_ms - at_ms;
    this.latency_ms = this.latency_ms === null ? latency : this.latency_ms + smoothing * (latency - this.latency_ms);
    if (this.#last_ms > 0) this.rate_hz += smoothing * (1000 / Math.max(1, now_ms - this.#last_ms) - this.rate_hz);
    this.#last_ms = now_ms;
  }

  #lost(reason: string) {
    this.#forget();
    if (this.#closed) return;
    this.reason = reason;
    if (final.has(reason)) {
      this.state = 'refused';
      return;
    }
    this.state = 'waiting';
    const wait_ms = Math.min(patience_ms.most, patience_ms.first * 2 ** this.#failures++);
    this.#timer = setTimeout(() => this.#connect(), wait_ms);
  }

  #forget() {
    this.#sent.clear();
    this.inFlight = 0;
    this.rate_hz = this.#last_ms = 0;
  }
}

/** The address of a gallery's live socket, at the server that the page came from. */
export function liveAddress(galleryId: number, falsePositiveRate: number) {
  const address = new URL(`/api/v1/galleries/${galleryId}/live`, window.location.origin);
  address.protocol = address.protocol.replace('http', 'ws');
  address.searchParams.set('false_positive_identification_rate', String(falsePositiveRate));
  return address.href;
}

/** Whether this server has a live socket: without an upgrade it says that it wants one. */
export async function hasLive(galleryId: number): Promise<boolean> {
  const answer = await fetch(`/api/v1/galleries/${galleryId}/live`);
  return answer.status === 426;
}
