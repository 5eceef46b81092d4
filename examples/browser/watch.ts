/// <reference lib="dom" />
import { watchSession } from 'sojourn/browser';

const warning = document.querySelector<HTMLElement>('#warning');
const watch = watchSession({
  // Written into the page by the server: { id, now, idleUntil, expiresAt }.
  limits: JSON.parse(document.querySelector('#limits')?.textContent ?? ''),
  status: '/session',
  events: '/session/events',
  onExpiring(left) {
    if (warning) warning.hidden = left === null;
  },
  onOver(code) {
    location.replace(`/login?return=${encodeURIComponent(location.pathname)}&why=${code}`);
  },
});

document.querySelector('#sign-out')?.addEventListener('click', async () => {
  const { ok } = await fetch('/logout', { method: 'POST' });
  if (ok) watch.signedOut();
});
