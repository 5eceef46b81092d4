import { createServer } from 'node:http';
import { createSessions } from 'sojourn';
import { nodeSessions } from 'sojourn/node';
import { sqlite } from 'sojourn/sqlite';
import { checkPassword } from '../users.ts';

const sessions = createSessions({ store: sqlite(process.env.SESSIONS ?? './data/sessions.db') });
const web = nodeSessions(sessions, { signInPath: '/login' });
const mayReadOrders = web.requireSignIn({ permission: 'orders:read' });

const listener = web.track(async (req, res) => {
  const session = web.session(req);
  const route = `${req.method} ${URL.parse(req.url ?? '/', 'http://localhost')?.pathname}`;
  if (route === 'POST /login') {
    const form = new URLSearchParams(await (await session.body()).text());
    const user = await checkPassword(form.get('username'), form.get('password'));
    if (user) await session.signIn(user.id, { permissions: user.permissions, factor: 'password' });
    res.writeHead(user ? 303 : 401, user ? { location: web.returnPath(req) } : {}).end();
  } else if (route === 'POST /logout') {
    await session.terminate();
    res.writeHead(303, { location: '/' }).end();
  } else if (route === 'GET /orders') {
    const { subject } = await mayReadOrders(req);
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ of: subject }));
  } else {
    res.writeHead(404).end();
  }
});
createServer(listener).listen(Number(process.env.PORT ?? 3000), 'localhost');
