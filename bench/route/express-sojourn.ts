import { createServer } from 'node:http';
import express from 'express';
import { expressSessions } from 'sojourn/express';
import { type Candidate, listen } from './candidate.ts';
import { path, permission } from './people.ts';
import { recordBytes, sessions, signIn } from './sojourn.ts';

export async function open(): Promise<Candidate> {
  const app = express();
  const web = expressSessions(sessions);
  app.use(web.track);
  app.get(path, web.requireSignIn({ permission }), (req, res) => {
    res.json({ user: web.signedIn(req).subject });
  });
  return { listen: () => listen(createServer(app)), signIn, recordBytes };
}
