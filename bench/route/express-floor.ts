import { createServer } from 'node:http';
import express, { type RequestHandler } from 'express';
import { type Candidate, listen } from './candidate.ts';
import { device } from './device.ts';
import { awaited, recordBytes, signedIn, signIn } from './floor.ts';
import { path, permission } from './people.ts';

const admit: RequestHandler = (req, res, next) => {
  const session = signedIn(req.headers.cookie, permission);
  if (typeof session === 'number') {
    res.status(session).json({ error: 'refused' });
    return;
  }
  res.setHeader('cache-control', 'no-store');
  res.locals['user'] = session.subject;
  next();
};

export async function open(): Promise<Candidate> {
  const app = express();
  app.get(path, awaited ? async (req, res, next) => admit(req, res, next) : admit, (_req, res) => {
    res.json({ user: res.locals['user'] });
  });
  return {
    listen: () => listen(createServer(app)),
    signIn: async (user, permissions) => signIn(user, permissions, device),
    recordBytes,
  };
}
