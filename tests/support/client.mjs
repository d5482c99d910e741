// A client of the server that keeps its cookie, and the token that its changes need.
export class Client {
  constructor(address) {
    this.address = address;
  }
  /** The response to a form, or to a value that is sent as JSON. */
  async send(method, path, content) {
    const headers = { cookie: this.cookie ?? '', 'x-csrf-token': this.csrf ?? '' };
    let body = content;
    if (content !== undefined && !(content instanceof FormData)) {
      headers['content-type'] = 'application/json';
      body = JSON.stringify(content);
    }
    const response = await fetch(this.address + path, { method, headers, body });
    const cookie = response.headers.get('set-cookie');
    if (cookie) this.cookie = cookie.split(';')[0];
    return response;
  }
  /** `{ status, body }` of an address of the API. */
  async ask(method, path, content) {
    const response = await this.send(method, `/api/v1${path}`, content);
    const text = await response.text();
    const body = text === '' ? null : JSON.parse(text);
    if (body?.csrf_token) this.csrf = body.csrf_token;
    return { status: response.status, body };
  }
}
