import { api, Refusal, wordsFor } from '../api';
import { UploadQueue, type Outcome, type UploadServer } from './upload_queue.svelte';
import { UploadStore } from './upload_store';
import { t } from '../../texts';

const server: UploadServer = {
  async person(galleryId, name) {
    try {
      return (await api.createPerson(galleryId, name)).id;
    } catch (error) {
      if (!(error instanceof Refusal && error.reason === 'person_name_taken')) throw error;
      // A name is taken where the stored forms are the same: composed, without white space around it.
      const stored = (one: string) => one.normalize('NFC').trim();
      const there = (await api.people(galleryId, name)).find((person) => stored(person.name) === stored(name));
      if (!there) throw error;
      return there.id;
    }
  },
  async upload(galleryId, personId, file, onSent): Promise<Outcome> {
    const result = (await api.uploadPhoto(galleryId, personId, file, onSent)).results[0];
    if (result?.outcome === 'taken') return { outcome: 'taken', photo: result.photo };
    const error = result?.error;
    const refusal = new Refusal(error?.reason ?? 'unknown', error?.message ?? t('error.no_verdict'), error?.code);
    // One that failed for the server's own reasons is sent again, as if the whole request had failed.
    if (refusal.code === 'busy' || refusal.code === 'internal') throw refusal;
    const faces = (result?.faces ?? []).map((face) => face.box);
    return { outcome: 'refused', reason: refusal.reason, words: wordsFor(refusal), faces, duplicate_of: result?.duplicate_of };
  },
  wordsFor,
};

/** The queue of this browser. */
export const uploads = new UploadQueue(new UploadStore(), server);
