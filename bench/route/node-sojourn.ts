import { createServer } from 'node:http';
import { nodeSessions } from 'sojourn/node';
import { type Candidate, listen } from './candidate.ts';
import { permission } from './people.ts';
import { recordBytes, sessions, signIn } from './sojourn.ts';

export async function open(): Promise<Candidate> {
  const web = nodeSessions(sessions);
  const orders = web.requireSignIn({ permission });
  const server = createServer(
    web.track(async (req, res) => {
      const { subject } = await orders(req);
      res.setHeader('content-type', 'application/json');
      res.end(JSON.stringify({ user: subject }));
    }),
  );
  return { listen: () => listen(server), signIn, recordBytes };
}
