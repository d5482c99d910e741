import { createRouter } from 'sv-router';
import Account from './pages/Account.svelte';
import Galleries from './pages/Galleries.svelte';
import Gallery from './pages/Gallery.svelte';
import NotFound from './pages/NotFound.svelte';
import Person from './pages/Person.svelte';

export const { p, navigate, route } = createRouter({
  '/': Galleries,
  '/galleries/:galleryId': Gallery,
  '/galleries/:galleryId/people/:personId': Person,
  '/account': Account,
  '*': NotFound,
});
