import { createServer } from 'node:http';
import express from 'express';
import { type Candidate, listen } from './candidate.ts';
import { device } from './device.ts';
import { recordBytes, signedIn, signIn } from './floor-redis.ts';
import { path, permission } from './people.ts';

export async function open(): Promise<Candidate> {
  const app = express();
  app.get(
    path,
    (req, res, next) => {
      signedIn(req.headers.cookie, permission).then((session) => {
        if (typeof session === 'number') {
          res.status(session).json({ error: 'refused' });
          return;
        }
        res.setHeader('cache-control', 'no-store');
        res.locals['user'] = session.subject;
        next();
      }, next);
    },
    (_req, res) => {
      res.json({ user: res.locals['user'] });
    },
  );
  return {
    listen: () => listen(createServer(app)),
    signIn: (user, permissions) => signIn(user, permissions, device),
    recordBytes,
  };
}
