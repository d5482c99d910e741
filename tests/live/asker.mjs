// A client that asks a gallery one question after another and keeps what went wrong.
import { readFileSync } from 'node:fs';

/** Who is in this photo: the question, and whether an answer names them and nobody else. */
export function whoIs(name, file) {
  return {
    path: '/identify',
    bytes: readFileSync(file),
    isRight: ({ faces }) => faces.some(({ person }) => person === name) && faces.every(({ person }) => person === name || person === null),
  };
}

/** Is this photo that person? The verdict that is right, and nothing about anybody else. */
export function isIt(personId, file, verdict) {
  return {
    path: `/verify?person_id=${personId}&face=largest`,
    bytes: readFileSync(file),
    isRight: ({ decision }) => decision === verdict,
  };
}

export class Asker {
  constructor(client, gallery, questions) {
    Object.assign(this, { client, gallery, questions });
    this.asked = 0;
    this.failed = [];
    this.wrong = [];
    this.slowest_ms = 0;
    this.models = []; // that answered, in turn
  }

  begin() {
    this.isOver = false;
    this.ended = this.#ask();
  }

  async stop() {
    this.isOver = true;
    await this.ended;
  }

  /** What was kept so far, from now on anew. */
  take() {
    const { asked, failed, wrong, slowest_ms } = this;
    Object.assign(this, { asked: 0, failed: [], wrong: [], slowest_ms: 0 });
    return { asked, failed, wrong, slowest_ms };
  }

  async #ask() {
    for (let index = 0; !this.isOver; index += 1) {
      const question = this.questions[index % this.questions.length];
      const form = new FormData();
      form.append('photo', new Blob([question.bytes]), 'photo.jpg');
      const began_ms = performance.now();
      try {
        const { status, body } = await this.client.ask('POST', `/galleries/${this.gallery}${question.path}`, form);
        if (status !== 200) this.failed.push(`${question.path}: ${status} ${JSON.stringify(body)}`);
        else if (!question.isRight(body)) this.wrong.push(`${question.path}: ${JSON.stringify(body)}`);
        if (body?.model_id && this.models.at(-1) !== body.model_id) this.models.push(body.model_id);
      } catch (error) {
        this.failed.push(`${question.path}: ${error.cause ?? error}`);
        this.isOver = true; // the server is gone
      }
      this.asked += 1;
      this.slowest_ms = Math.max(this.slowest_ms, performance.now() - began_ms);
    }
  }
}
