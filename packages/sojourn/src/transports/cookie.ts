import { invalid } from '../lifecycle/errors.ts';
import { oneOf } from '../lifecycle/options.ts';

export interface CookieOptions {
  /** Default `__Host-sojourn` behind https; over plain http on loopback `sojourn-<port>`. */
  name?: string;
  /** Default `lax`. `none` only behind https. */
  sameSite?: 'lax' | 'strict' | 'none';
}

/** A cookie's fixed part. Always HttpOnly, Path=/, and no Domain. */
export interface Cookie {
  readonly name: string;
  readonly attributes: string;
}

/** RFC 6265bis §5.5: user agents cap a cookie's life at 400 days. */
const longest = 400 * 86_400;
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Checks the options against each other; throws `option_invalid` with the fix. */
export function makeCookie(options: CookieOptions, secure: boolean, port: string): Cookie {
  const name = options.name ?? (secure ? '__Host-sojourn' : `sojourn-${port}`);
  const sameSite = options.sameSite ?? 'lax';
  if (!token.test(name)) throw invalid(`cookie.name ${JSON.stringify(name)}: use letters, digits, - and _.`);
  oneOf('cookie.sameSite', sameSite, ['lax', 'strict', 'none']);
  if (!secure && /^__(Host|Secure)-/i.test(name)) {
    throw invalid(`cookie.name ${name}: set an https origin, or leave the name out.`);
  }
  if (!secure && sameSite === 'none') {
    throw invalid('cookie.sameSite none: set an https origin.');
  }
  const written = sameSite.replace(/^./, (first) => first.toUpperCase());
  return { name, attributes: `; Path=/; HttpOnly${secure ? '; Secure' : ''}; SameSite=${written}` };
}

/** A Set-Cookie value; without `maxAge` (seconds) the cookie goes with the browser. */
export function setCookie({ name, attributes }: Cookie, value: string, maxAge: number | null): string {
  const age = maxAge === null ? '' : `; Max-Age=${Math.max(0, Math.min(longest, Math.ceil(maxAge)))}`;
  return `${name}=${value}${attributes}${age}`;
}

const gone = '; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT';

/** A Set-Cookie value that removes the cookie; the attributes mirror those it was set with. */
export function clearCookie({ name, attributes }: Cookie): string {
  return `${name}=${attributes}${gone}`;
}

/**
 * Set-Cookie values that remove what others may have set under the name: for each parent of the path
 * and each parent domain of the host. The cookie at Path=/ without Domain stays.
 */
export function clearStrays({ name, attributes }: Cookie, path: string, host: string): readonly string[] {
  const others = attributes.replace('; Path=/', '');
  const parts = path
    .split('/')
    .filter((part) => /^[\w.~%!$&'()*+=:@-]+$/.test(part))
    .slice(0, mostStrays);
  const parents = parts.map((_, i) => `/${parts.slice(0, i + 1).join('/')}`);
  const labels = /^[a-z0-9.-]*[a-z][a-z0-9.-]*$/i.test(host) ? host.split('.').slice(-mostStrays) : [];
  const domains = labels
    .map((_, i) => labels.slice(i).join('.'))
    .filter((domain) => domain.includes('.') || domain === host);
  return [
    ...parents.flatMap((parent) => [`; Path=${parent}`, `; Path=${parent}/`]),
    ...domains.map((domain) => `; Path=/; Domain=${domain}`),
  ].map((where) => `${name}=${others}${where}${gone}`);
}

const mostStrays = 6;

/**
 * The values of a cookie in a Cookie header, distinct, in order. The name is compared byte for byte;
 * nothing is trimmed, decoded or unquoted, and RFC 2109's `$Version` means nothing (R-187, R-200).
 */
export function readCookie(header: string | undefined, name: string): readonly string[] {
  if (header === undefined) return none;
  let found: string[] | null = null;
  for (let at = header.indexOf(name); at !== -1; at = header.indexOf(name, at + name.length)) {
    const after = at + name.length;
    if (header.charCodeAt(after) !== equals || !startsPair(header, at)) continue;
    const end = header.indexOf(';', after);
    const value = header.slice(after + 1, end === -1 ? undefined : end);
    if (found === null) found = [value];
    else if (!found.includes(value)) found.push(value);
  }
  return found ?? none;
}

const none: readonly string[] = [];
const equals = 0x3d;
const semicolon = 0x3b;
const space = 0x20;
const tab = 0x09;

function startsPair(header: string, at: number): boolean {
  let before = at - 1;
  while (header.charCodeAt(before) === space || header.charCodeAt(before) === tab) before -= 1;
  return before < 0 || header.charCodeAt(before) === semicolon;
}
