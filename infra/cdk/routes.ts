/** Routes of the docs function, open to all; every other route is the API function's. */
export const openRoutes = [
  '/openapi.json',
  '/docs',
  '/docs/{file+}',
  '/console',
  '/console/{file+}',
] as const;

/** Where receivers tell what became of a message: no token, a signature instead. */
export const callbackPath = '/callbacks/{receiver}';
