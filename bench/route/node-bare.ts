import { createServer } from 'node:http';
import { type Candidate, listen } from './candidate.ts';
import { user } from './people.ts';

export async function open(): Promise<Candidate> {
  const server = createServer((_req, res) => {
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify({ user: user(0) }));
  });
  return { listen: () => listen(server) };
}
