import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { createSessions, SojournError } from 'sojourn';
import { honoSessions } from 'sojourn/hono';
import { sqlite } from 'sojourn/sqlite';
import { checkPassword } from '../users.ts';

const sessions = createSessions({ store: sqlite(process.env.SESSIONS ?? './data/sessions.db') });
const web = honoSessions(sessions, { signInPath: '/login' });
const app = new Hono();
app.use(web.track);
app.onError((error, c) => {
  if (!(error instanceof SojournError)) console.error(error);
  return c.text('Internal Server Error', 500);
});

app.post('/login', async (c) => {
  const { username, password } = await c.req.parseBody();
  const user = await checkPassword(username, password);
  if (!user) return c.body(null, 401);
  await web.session(c).signIn(user.id, { permissions: user.permissions, factor: 'password' });
  return c.redirect(web.returnPath(c), 303);
});
app.get('/orders', web.requireSignIn({ permission: 'orders:read' }), (c) => c.json({ of: web.signedIn(c).subject }));
app.post('/logout', async (c) => {
  await web.session(c).terminate();
  return c.redirect('/', 303);
});
serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000), hostname: 'localhost' });
