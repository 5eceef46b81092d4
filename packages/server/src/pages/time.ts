import { type Html, html } from './html.ts';

/** A moment to the minute: 22 Nov 2026, 22:15 UTC. */
export function moment(at: number): Html {
  const [date, time] = parts(at);
  return html`<time datetime="${new Date(at).toISOString()}">${date}, ${time?.slice(0, 5)} UTC</time>`;
}

/** A moment of today to the second, in UTC: 22:15:34. */
export function clockTime(at: number): Html {
  return html`<time datetime="${new Date(at).toISOString()}">${parts(at)[1]}</time>`;
}

function parts(at: number): [date: string, time: string] {
  const iso = new Date(at).toISOString();
  const month = months[Number(iso.slice(5, 7)) - 1] ?? '';
  return [`${Number(iso.slice(8, 10))} ${month} ${iso.slice(0, 4)}`, iso.slice(11, 19)];
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** A span in the largest unit that keeps it exact enough to read: 20 s, 30 min, 12 h, 30 d. */
export function span(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 2 * 3600) return `${Math.round(seconds / 60)} min`;
  return seconds < 2 * 86_400 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}

/** After a moment that is written down only so often: it may be behind by a span, and never ahead. */
export function orLater(precision: number): Html | null {
  return precision === 0 ? null : html` <small>or up to ${span(precision)} later</small>`;
}

/** What is left on a clock, always of the same width for its size: 0:07, 29:59, 11:59:59, 29 d 11:59:59. */
export function countdown(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  const [d, h, m, s] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
    seconds % 60,
  ];
  if (d > 0) return `${d} d ${h}:${two(m)}:${two(s)}`;
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
