import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { type Candidate, listen } from './candidate.ts';
import { path, user } from './people.ts';

export async function open(): Promise<Candidate> {
  const app = new Hono();
  app.get(path, (c) => c.json({ user: user(0) }));
  return { listen: () => listen(createAdaptorServer(app) as Server) };
}
