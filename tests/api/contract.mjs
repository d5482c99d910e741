// Holds answers of the server against src/http/openapi.yaml: the status, the content type and every field of the body,
// also fields that the document does not name.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** Forbids fields that no schema names, wherever a schema is used on its own rather than as a part of another. */
function closed(schema, part = false) {
  if (Array.isArray(schema)) return schema.map((one) => closed(one, part));
  if (schema === null || typeof schema !== 'object') return schema;
  const copy = { ...schema };
  for (const key of ['allOf', 'oneOf', 'anyOf']) if (copy[key]) copy[key] = closed(copy[key], key === 'allOf');
  if (copy.items) copy.items = closed(copy.items);
  if (copy.properties) {
    copy.properties = Object.fromEntries(Object.entries(copy.properties).map(([name, value]) => [name, closed(value)]));
  }
  delete copy.discriminator; // says nothing that oneOf does not
  if (!part && (copy.$ref || copy.allOf || copy.properties)) copy.unevaluatedProperties = false;
  return copy;
}

export class Contract {
  constructor(document = parse(readFileSync(join(root, 'src/http/openapi.yaml'), 'utf8'))) {
    this.document = document;
    this.ajv = new Ajv({ strict: true, strictTypes: false, allErrors: true });
    addFormats(this.ajv);
    this.ajv.addKeyword('components');
    for (const format of ['password', 'binary']) this.ajv.addFormat(format, true);
    const schemas = Object.fromEntries(
      Object.entries(document.components.schemas).map(([name, schema]) => [name, closed(schema, true)]),
    );
    this.ajv.addSchema({ $id: 'api', components: { schemas } });
    this.validators = new Map();
    this.paths = Object.entries(document.paths).map(([template, operations]) => ({
      template,
      operations,
      pattern: new RegExp(`^${template.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
    }));
    this.covered = new Set();
  }

  resolve(thing) {
    if (!thing?.$ref) return thing;
    return thing.$ref.slice(2).split('/').reduce((at, key) => at[key], this.document);
  }

  validator(schema) {
    const text = JSON.stringify(closed(schema)).replaceAll('"#/components', '"api#/components');
    if (!this.validators.has(text)) this.validators.set(text, this.ajv.compile(JSON.parse(text)));
    return this.validators.get(text);
  }

  /** What is wrong with a value, in words; nothing when it is as the schema says. */
  faultsOf(schema, value) {
    const validate = this.validator(schema);
    return validate(value)
      ? []
      : validate.errors.map((e) => `${e.instancePath || 'the body'} ${e.message} ${JSON.stringify(e.params)}`);
  }

  /**
   * What is wrong with an answer, as a list of words.
   * in: `target` path and query; `type` the Content-Type or ''; `body` text, ignored unless it is JSON or events
   */
  faults({ method, target, status, type, body }) {
    const path = target.split('?')[0];
    const place = this.paths.find(({ pattern }) => pattern.test(path));
    const operation = place?.operations[(method === 'HEAD' ? 'GET' : method).toLowerCase()];
    if (!operation) {
      if (!path.startsWith('/api/')) return [];
      if (status !== (place ? 405 : 404)) return [`answered ${status}, though openapi.yaml does not know it`];
      return method === 'HEAD' ? [] : this.jsonFaults({ $ref: '#/components/schemas/ErrorBody' }, body);
    }
    this.covered.add(`${operation.operationId} ${status}`);
    const documented = this.resolve(operation.responses[String(status)] ?? operation.responses[`${Math.trunc(status / 100)}XX`]);
    if (!documented) return [`the status ${status} is not documented: ${body?.slice(0, 200)}`];
    if (method === 'HEAD') return [];
    const content = documented.content;
    if (!content) return body ? ['there is a body, though none is documented'] : [];
    const mediaType = type.split(';')[0].trim();
    const found = content[mediaType] ?? content[`${mediaType.split('/')[0]}/*`];
    if (!found) return [`the content type ${mediaType} is not documented`];
    if (mediaType === 'application/json') return this.jsonFaults(found.schema, body);
    if (mediaType === 'text/event-stream') return this.eventFaults(body);
    return [];
  }

  jsonFaults(schema, body) {
    try {
      return this.faultsOf(schema, JSON.parse(body));
    } catch (error) {
      return error instanceof SyntaxError ? [`the body is no JSON: ${error.message}`] : [String(error)];
    }
  }

  /** Every event of a job is a Job. */
  eventFaults(body) {
    const events = body.split('\n').filter((line) => line.startsWith('data:'));
    return events.flatMap((line) => this.jsonFaults({ $ref: '#/components/schemas/Job' }, line.slice('data:'.length)));
  }

  /** Operations of which no answer was seen. */
  unseen() {
    const seen = new Set([...this.covered].map((entry) => entry.split(' ')[0]));
    return this.paths
      .flatMap(({ operations }) => Object.values(operations))
      .map(({ operationId }) => operationId)
      .filter((id) => id && !seen.has(id));
  }
}

