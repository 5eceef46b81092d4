import { serve } from '@hono/node-server';
import { createSessions } from 'sojourn';
import { fetchSessions } from 'sojourn/fetch';
import { sqlite } from 'sojourn/sqlite';
import { checkPassword } from '../users.ts';

const sessions = createSessions({ store: sqlite(process.env.SESSIONS ?? './data/sessions.db') });
const web = fetchSessions(sessions, { signInPath: '/login' });
const mayReadOrders = web.requireSignIn({ permission: 'orders:read' });

const handler = web.handler(async (request, session) => {
  const { pathname } = new URL(request.url);
  if (pathname === '/login' && request.method === 'POST') {
    const form = new URLSearchParams(await (await session.body()).text());
    const user = await checkPassword(form.get('username'), form.get('password'));
    if (!user) return new Response(null, { status: 401 });
    await session.signIn(user.id, { permissions: user.permissions, factor: 'password' });
    return new Response(null, { status: 303, headers: { location: web.returnPath(request) } });
  }
  if (pathname === '/logout' && request.method === 'POST') {
    await session.terminate();
    return new Response(null, { status: 303, headers: { location: '/' } });
  }
  if (pathname === '/orders') return Response.json({ of: (await mayReadOrders(request)).subject });
  return new Response(null, { status: 404 });
});
// Any server that speaks Request and Response will do.
serve({ fetch: (request) => handler(request), port: Number(process.env.PORT ?? 3000), hostname: 'localhost' });
