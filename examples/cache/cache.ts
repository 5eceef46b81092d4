import express, { type Express } from 'express';
import { createSessions, type Sessions, type Store } from 'sojourn';
import { expressSessions } from 'sojourn/express';

export function open(store: Store): Sessions<object, 'keys:read'> {
  return createSessions({ store, cache: { bound: '500ms', bytes: 64 * 2 ** 20 } });
}

export function shop(sessions: Sessions<object, 'keys:read'>): Express {
  const web = expressSessions(sessions);
  const app = express();
  app.use(web.track);
  app.get('/prices', web.requireSignIn(), (req, res) => {
    res.json({ of: web.signedIn(req).subject }); // for the bound, also after the session has ended elsewhere
  });
  app.get('/keys', web.requireSignIn({ permission: 'keys:read', fresh: true }), (_req, res) => {
    res.json({ keys: [] }); // the engine was asked
  });
  app.use(web.errors);
  return app;
}
