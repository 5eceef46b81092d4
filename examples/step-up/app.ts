import express, { type Express } from 'express';
import type { Sessions } from 'sojourn';
import { expressSessions } from 'sojourn/express';
import { checkPassword } from '../users.ts';

/** A transfer asks for a proof of the last ten minutes, and its form for the session's own token. */
export function makeApp(sessions: Sessions<object, 'transfer'>): Express {
  const web = expressSessions(sessions, { signInPath: '/login', stepUpPath: '/confirm' });
  const app = express();
  app.use(express.urlencoded(), web.track);

  app.get('/transfer', web.requireSignIn({ permission: 'transfer' }), (req, res) => {
    res.send(`<form method="post" action="/transfer">
      <input type="hidden" name="form_token" value="${web.signedIn(req).formToken}">
      <button>Transfer</button>
    </form>`);
  });
  app.post('/transfer', web.requireSignIn({ permission: 'transfer', within: '10m' }), (_req, res) => {
    res.send('transferred');
  });

  // A person whose proof is too old is sent to GET /confirm?return=…, and from here back.
  app.post('/confirm', web.requireSignIn(), async (req, res) => {
    const session = web.signedIn(req);
    const user = await checkPassword(session.subject, req.body?.password);
    if (!user) return void res.sendStatus(403);
    await session.stepUp({ factor: 'password' });
    res.redirect(303, web.returnPath(req));
  });
  app.use(web.errors);
  return app;
}
