import { createServer } from 'node:http';
import express from 'express';
import { type Candidate, listen } from './candidate.ts';
import { path, user } from './people.ts';

export async function open(): Promise<Candidate> {
  const app = express();
  app.get(path, (_req, res) => {
    res.json({ user: user(0) });
  });
  return { listen: () => listen(createServer(app)) };
}
