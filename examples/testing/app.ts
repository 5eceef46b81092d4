import express, { type Express } from 'express';
import type { Sessions } from 'sojourn';
import { expressSessions } from 'sojourn/express';

/** An application that is given its sessions, so that a test can give it its own. */
export function makeApp(sessions: Sessions<object, 'orders:read'>): Express {
  const web = expressSessions(sessions);
  const app = express();
  app.use(web.track);
  app.get('/orders', web.requireSignIn({ permission: 'orders:read' }), (req, res) => {
    res.json({ of: web.signedIn(req).subject });
  });
  return app;
}
