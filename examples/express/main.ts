import express from 'express';
import { createSessions } from 'sojourn';
import { expressSessions } from 'sojourn/express';
import { sqlite } from 'sojourn/sqlite';
import { checkPassword } from '../users.ts';

type Permission = 'orders:read' | 'orders:refund';
const sessions = createSessions<{ cart: string[] }, Permission>({
  store: sqlite(process.env.SESSIONS ?? './data/sessions.db'),
  policy: { handover: { cart: 'merge' } },
});
const web = expressSessions(sessions, { signInPath: '/login' });
const app = express();
app.use(express.json(), express.urlencoded(), web.track);

app.post('/cart', async (req, res) => {
  const item: unknown = req.body?.item;
  if (typeof item !== 'string') return void res.sendStatus(400);
  // A visitor gets a session by this first write. It is durable when it resolves.
  await web.session(req).update((draft) => {
    draft.cart = [...(draft.cart ?? []), item];
  });
  res.json(web.session(req).data.cart);
});
app.post('/login', async (req, res) => {
  const user = await checkPassword(req.body?.username, req.body?.password);
  if (!user) return void res.sendStatus(401);
  await web.session(req).signIn(user.id, { permissions: user.permissions, factor: 'password' });
  res.redirect(303, web.returnPath(req));
});
app.get('/orders', web.requireSignIn({ permission: 'orders:read' }), (req, res) => {
  res.json({ of: web.signedIn(req).subject, cart: web.signedIn(req).data.cart ?? [] });
});
app.post('/refund', web.requireSignIn({ permission: 'orders:refund', within: '10m' }), (_req, res) => {
  res.json({ refunded: true });
});
app.post('/logout', async (req, res) => {
  await web.session(req).terminate();
  res.redirect(303, '/');
});
app.post('/logout-others', web.requireSignIn(), async (req, res) => {
  const { subject, id } = web.signedIn(req);
  res.json({ ended: await sessions.terminateAll(subject, { except: id }) });
});
app.use(web.errors);
app.listen(Number(process.env.PORT ?? 3000));
