// A client that keeps its cookie.
export class Client {
  constructor(address) {
    this.address = address;
  }
  /** `{ status, body }`; a form or a value that is sent as JSON. */
  async ask(method, path, content) {
    const headers = { cookie: this.cookie ?? '', 'x-csrf-token': this.csrf ?? '' };
    if (content !== undefined && !(content instanceof FormData)) headers['content-type'] = 'application/json';
    const response = await fetch(`${this.address}/api/v1${path}`, {
      method, headers, body: content === undefined || content instanceof FormData ? content : JSON.stringify(content),
    });
    const cookie = response.headers.get('set-cookie');
    if (cookie) this.cookie = cookie.split(';')[0];
    const text = await response.text();
    const body = text === '' ? null : JSON.parse(text);
    if (body?.csrf_token) this.csrf = body.csrf_token;
    return { status: response.status, body };
  }
}
