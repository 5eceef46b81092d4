import { truncateAddress } from '../lifecycle/budget.ts';
import type { Device } from '../lifecycle/session.ts';

/** Names by what a user agent that has them says, the first that fits: many name the others too. */
const browsers = {
  Edge: 'EdgA?/',
  Opera: 'OPR/',
  Firefox: 'F(irefox|xiOS)/',
  Chrome: 'Chrom|CriOS/',
  Safari: 'Version/.*Safari/',
  curl: 'curl/',
};
const systems = {
  Windows: 'Windows',
  iOS: 'iP(hone|ad)',
  Android: 'Android',
  macOS: 'Mac OS X',
  ChromeOS: 'CrOS',
  Linux: 'Linux',
};
/** User agents are shown, not parsed again: enough of one to recognise it. */
const longestUserAgent = 256;

/** A device for the list: a name that a person knows it by, and a truncated address. Never an identity. */
export function deviceOf(userAgent: string | undefined, address: string | null, now: number): Device {
  const text = (userAgent ?? '').slice(0, longestUserAgent);
  const first = (names: Readonly<Record<string, string>>): string | undefined =>
    Object.keys(names).find((name) => new RegExp(`\\b(${names[name]})`).test(text));
  const browser = first(browsers);
  const system = first(systems);
  return {
    label: [browser ?? 'Unknown browser', system].filter(Boolean).join(' on '),
    userAgent: text,
    address: address === null ? '' : truncateAddress(address),
    addedAt: now,
  };
}
