import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { honoSessions } from 'sojourn/hono';
import { type Candidate, listen } from './candidate.ts';
import { path, permission } from './people.ts';
import { recordBytes, sessions, signIn } from './sojourn.ts';

export async function open(): Promise<Candidate> {
  const app = new Hono();
  const web = honoSessions(sessions);
  app.use(web.track);
  app.get(path, web.requireSignIn({ permission }), (c) => c.json({ user: web.signedIn(c).subject }));
  return { listen: () => listen(createAdaptorServer(app) as Server), signIn, recordBytes };
}
