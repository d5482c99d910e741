import { createRouter } from 'sv-router';
import Galleries from './pages/Galleries.svelte';
import NotFound from './pages/NotFound.svelte';

export const { p, navigate, route } = createRouter({
  '/': Galleries,
  '/galleries/:galleryId': () => import('./pages/Gallery.svelte'),
  '/galleries/:galleryId/people/:personId': () => import('./pages/Person.svelte'),
  '/account': () => import('./pages/Account.svelte'),
  '*': NotFound,
});
