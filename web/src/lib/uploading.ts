/** What part of a body has been sent, 0 to 1. */
export type OnSent = (part: number) => void;

const headersOf = (sender: XMLHttpRequest) =>
  new Headers(
    sender
      .getAllResponseHeaders()
      .split('\r\n')
      .filter((line) => line.includes(':'))
      .map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
  );

/** `fetch` for large bodies: it does not say how much of one has been sent, an XMLHttpRequest does. */
export function uploading(onSent: OnSent) {
  return async (request: Request): Promise<Response> => {
    const body = await request.blob();
    return new Promise((resolve, reject) => {
      const sender = new XMLHttpRequest();
      sender.open(request.method, request.url);
      request.headers.forEach((value, name) => sender.setRequestHeader(name, value));
      sender.responseType = 'blob';
      sender.upload.onprogress = (event) => {
        if (event.lengthComputable) onSent(event.loaded / event.total);
      };
      sender.upload.onload = () => onSent(1);
      sender.onload = () =>
        resolve(new Response(sender.response as Blob, { status: sender.status, headers: headersOf(sender) }));
      sender.onerror = () => reject(new TypeError('the connection failed'));
      sender.onabort = () => reject(new DOMException('ended by the page', 'AbortError'));
      if (request.signal.aborted) return sender.onabort(new ProgressEvent('abort'));
      request.signal.addEventListener('abort', () => sender.abort(), { once: true });
      sender.send(body);
    });
  };
}
