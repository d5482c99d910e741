import type { Refusal } from '../api';
import { frameMessage, type LiveError, type LiveMessage, type LiveResult } from './messages';

export type LiveState = 'connecting' | 'open' | 'waiting' | 'refused';

/** Reasons for which trying again changes nothing: somebody has to do something first. */
const finalReasons = new Set(['gallery_not_found', 'gallery_not_trained', 'not_permitted', 'session_ended', 'model_mismatch', 'frames_unusable']);
const finalCodes = new Set(['unauthenticated', 'forbidden', 'not_found', 'conflict', 'invalid_input', 'unsupported']);
const wait_ms = { first: 500, most: 5_000 };
/** A frame that is not answered for so long never will be: the connection is broken, and nobody has told. */
const answer_ms = 10_000;
const inFlightMax = 2;
/** What was seen is no longer shown once frames were answered by nothing but errors for so long. */
const stale_ms = 1_000;
const smoothing = 0.15;
const rateOver_ms = 3_000;

interface Sent {
  captured_ms: number;
  picture: Blob;
}

export interface LiveHooks {
  /** Gets each result with the frame it is about, and when that was captured (`performance.now()`'s clock). */
  onresult: (result: LiveResult, picture: Blob, captured_ms: number) => void;
  /** Is told that what was seen last is no longer so: see `LiveSocket.trouble`. */
  onstale: () => void;
  /** Is told, again and again, whether the server keeps what this socket shows. */
  onrecorded: (isRecorded: boolean) => void;
  /** Asks why the server gave no socket, which browsers do not tell; null when nothing stands against one. */
  whyNot: () => Promise<Refusal | null>;
  makeSocket?: (address: string) => WebSocket;
}

/**
 * The live socket of a gallery: frames go out as fast as results come back, and no faster. A connection that breaks is
 * made again by itself, after a wait that doubles.
 */
export class LiveSocket {
  state = $state<LiveState>('connecting');
  /** Why the server refused, as its slug, and in its words where it said more. */
  refusal = $state.raw<{ reason: string; refusal: Refusal | null } | null>(null);
  /** Whether there was a connection before this one. */
  wasOpen = $state(false);
  /** Whether the last connection ended because the server could not look at the pictures. */
  failed = $state(false);
  /** Why frames are answered by nothing but errors, or the last connection was refused for now: the server's slug. */
  trouble = $state('');
  /** Frames on their way or being looked at. */
  inFlight = $state(0);
  /** From a frame's capture to its result, smoothed; null before the first. */
  latency_ms = $state<number | null>(null);
  /** Results a second, of the last few seconds. */
  rate_hz = $state(0);
  #socket: WebSocket | null = null;
  #sent = new Map<number, Sent>();
  #next = 1;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #stale: ReturnType<typeof setTimeout> | undefined;
  /** No frame is sent before; of `performance.now()`'s clock. */
  #resume_ms = 0;
  #results_ms: number[] = [];
  #closed = false;

  constructor(
    private readonly address: string,
    private readonly hooks: LiveHooks,
  ) {
    this.#connect();
  }

  /** Whether a frame would be sent now; one that is not is simply not sent: the next is newer. */
  get wantsFrame() {
    return this.state === 'open' && this.inFlight < inFlightMax && performance.now() >= this.#resume_ms;
  }

  /** Sends a frame, where there still is a connection: it may have broken while the frame was made. */
  async send(picture: Blob, captured_ms: number) {
    if (!this.wantsFrame) return;
    const id = this.#next++;
    const socket = this.#socket;
    this.#sent.set(id, { captured_ms, picture });
    this.inFlight = this.#sent.size;
    this.#patience ??= setTimeout(() => this.#lose(''), answer_ms);
    const message = await frameMessage(id, picture);
    if (socket === this.#socket && socket?.readyState === WebSocket.OPEN) socket.send(message);
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#forget();
    this.#socket?.close();
  }

  #connect() {
    this.state = 'connecting';
    const socket = (this.#socket = (this.hooks.makeSocket ?? ((to) => new WebSocket(to)))(this.address));
    socket.onmessage = (event: MessageEvent<string>) => {
      if (socket === this.#socket) this.#take(JSON.parse(event.data) as LiveMessage);
    };
    socket.onclose = (event) => {
      if (socket === this.#socket) this.#lose(event.reason);
    };
  }

  #take(message: LiveMessage) {
    if (message.type === 'ready') {
      this.state = 'open';
      this.wasOpen = true;
      this.trouble = '';
      this.hooks.onrecorded(message.is_recorded);
      return;
    }
    if (message.type === 'result') {
      // Only now: a server that takes connections and answers nothing would be asked twice a second.
      this.#failures = 0;
      this.#forgetErrors();
      this.trouble = '';
      this.hooks.onrecorded(message.is_recorded);
    } else this.#note(message);
    clearTimeout(this.#patience);
    this.#patience = undefined;
    const sent = this.#sent.get(message.frame_id);
    // Frames before this one were dropped for it.
    for (const id of this.#sent.keys()) if (id <= message.frame_id) this.#sent.delete(id);
    this.inFlight = this.#sent.size;
    if (message.type === 'error' || !sent) return;
    this.#measure(performance.now(), sent.captured_ms);
    this.hooks.onresult(message, sent.picture, sent.captured_ms);
  }

  /** Notes an error: one alone is told to nobody, for the next frame may be better. */
  #note(message: LiveError) {
    this.#resume_ms = performance.now() + 1_000 * (message.retry_after_s ?? 0);
    const { reason } = message.error;
    if (this.trouble !== '') this.trouble = reason;
    this.#stale ??= setTimeout(() => {
      this.trouble = reason;
      this.hooks.onstale();
    }, stale_ms);
  }

  #forgetErrors() {
    clearTimeout(this.#stale);
    this.#stale = undefined;
    this.#resume_ms = 0;
  }

  #measure(now_ms: number, captured_ms: number) {
    const latency = now_ms - captured_ms;
    this.latency_ms = this.latency_ms === null ? latency : this.latency_ms + smoothing * (latency - this.latency_ms);
    this.#results_ms = [...this.#results_ms.filter((at_ms) => at_ms > now_ms - rateOver_ms), now_ms];
    const passed_ms = now_ms - (this.#results_ms[0] ?? now_ms);
    this.rate_hz = passed_ms > 0 ? (1000 * (this.#results_ms.length - 1)) / passed_ms : 0;
  }

  /** The connection is gone, or never was. */
  #lose(reason: string) {
    const wasGiven = this.state === 'open';
    if (wasGiven) this.trouble = '';
    const socket = this.#socket;
    this.#socket = null;
    this.#forget();
    if (this.#closed) return;
    socket?.close();
    this.failed = reason === 'answer_failed';
    if (finalReasons.has(reason)) this.#refuse(reason);
    else if (wasGiven) this.#wait();
    else void this.#ask();
  }

  async #ask() {
    this.state = 'waiting';
    const refusal = await this.hooks.whyNot();
    if (this.#closed) return;
    if (refusal?.code && finalCodes.has(refusal.code)) return this.#refuse(refusal.reason, refusal);
    this.trouble = refusal?.reason ?? '';
    this.#wait();
  }

  #refuse(reason: string, refusal: Refusal | null = null) {
    this.refusal = { reason, refusal };
    this.state = 'refused';
  }

  #wait() {
    this.state = 'waiting';
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), Math.min(wait_ms.most, wait_ms.first * 2 ** this.#failures++));
  }

  #forget() {
    clearTimeout(this.#patience);
    this.#patience = undefined;
    this.#forgetErrors();
    this.#sent.clear();
    this.inFlight = 0;
    this.latency_ms = null;
    this.#results_ms = [];
    this.rate_hz = 0;
  }
}

/** The address of a gallery's live socket, at the server that the page came from. */
export function liveAddress(galleryId: number, falsePositiveRate: number) {
  const address = new URL(`/api/v1/galleries/${galleryId}/live`, window.location.origin);
  address.protocol = address.protocol.replace('http', 'ws');
  address.searchParams.set('false_positive_identification_rate', String(falsePositiveRate));
  return address.href;
}
