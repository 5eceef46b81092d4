import { createServer } from 'node:http';
import express from 'express';
import session from 'express-session';
import { type Candidate, listen, signInOverHttp } from './candidate.ts';
import { peersStore } from './peers-redis.ts';
import { idle, path, permission } from './people.ts';

declare module 'express-session' {
  interface SessionData {
    user?: { readonly id: string; readonly permissions: readonly string[] };
  }
}

/** With its MemoryStore or connect-redis, the options that its README recommends, and the idle limit that the others have. */
export async function open(): Promise<Candidate> {
  const app = express();
  const cookie = { maxAge: idle };
  const options = { secret: 'a secret of this benchmark', resave: false, saveUninitialized: false, cookie };
  app.use(session({ ...options, ...(await peersStore()) }));
  app.get(
    path,
    (req, res, next) => {
      const { user } = req.session;
      if (user === undefined) res.status(401).json({ error: 'refused' });
      else if (!user.permissions.includes(permission)) res.status(403).json({ error: 'refused' });
      else next();
    },
    (req, res) => {
      res.json({ user: req.session.user?.id });
    },
  );
  app.post('/sign-in', (req, res) => {
    req.session.user = {
      id: String(req.query['user']),
      permissions: String(req.query['permissions']).split(','),
    };
    res.json({});
  });
  let port = 0;
  return {
    listen: async () => {
      port = await listen(createServer(app));
      return port;
    },
    signIn: (user, permissions) => signInOverHttp(port, user, permissions),
  };
}
