import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { type Candidate, listen } from './candidate.ts';
import { device } from './device.ts';
import { recordBytes, signedIn, signIn } from './floor.ts';
import { path, permission } from './people.ts';

export async function open(): Promise<Candidate> {
  const app = new Hono<{ Variables: { user: string } }>();
  app.get(
    path,
    async (c, next) => {
      const session = signedIn(c.req.header('cookie'), permission);
      if (typeof session === 'number') return c.json({ error: 'refused' }, session);
      c.header('cache-control', 'no-store');
      c.set('user', session.subject);
      await next();
      return undefined;
    },
    (c) => c.json({ user: c.get('user') }),
  );
  return {
    listen: () => listen(createAdaptorServer(app) as Server),
    signIn: async (user, permissions) => signIn(user, permissions, device),
    recordBytes,
  };
}
