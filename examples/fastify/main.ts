import Fastify from 'fastify';
import { createSessions } from 'sojourn';
import { fastifySessions } from 'sojourn/fastify';
import { sqlite } from 'sojourn/sqlite';
import { checkPassword } from '../users.ts';

const sessions = createSessions({ store: sqlite(process.env.SESSIONS ?? './data/sessions.db') });
const web = fastifySessions(sessions, { signInPath: '/login' });
const app = Fastify();
await app.register(web.track);
app.setErrorHandler((error, request, reply) => web.answer(error, request, reply));

app.post<{ Body?: { username: string; password: string } }>('/login', async (request, reply) => {
  const user = await checkPassword(request.body?.username, request.body?.password);
  if (!user) return reply.code(401).send();
  await web.session(request).signIn(user.id, { permissions: user.permissions, factor: 'password' });
  return reply.redirect(web.returnPath(request), 303);
});
app.get('/orders', { preHandler: web.requireSignIn({ permission: 'orders:read' }) }, (request) => ({
  of: web.signedIn(request).subject,
}));
app.post('/logout', async (request, reply) => {
  await web.session(request).terminate();
  return reply.redirect('/', 303);
});
await app.listen({ port: Number(process.env.PORT ?? 3000), host: 'localhost' });
