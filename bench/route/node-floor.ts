import { createServer } from 'node:http';
import { type Candidate, listen } from './candidate.ts';
import { device } from './device.ts';
import { recordBytes, signedIn, signIn } from './floor.ts';
import { permission } from './people.ts';

export async function open(): Promise<Candidate> {
  const server = createServer((req, res) => {
    const session = signedIn(req.headers.cookie, permission);
    res.setHeader('content-type', 'application/json');
    if (typeof session === 'number') {
      res.statusCode = session;
      res.end('{"error":"refused"}');
      return;
    }
    res.setHeader('cache-control', 'no-store');
    res.end(JSON.stringify({ user: session.subject }));
  });
  return {
    listen: () => listen(server),
    signIn: async (user, permissions) => signIn(user, permissions, device),
    recordBytes,
  };
}
