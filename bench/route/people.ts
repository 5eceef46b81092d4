/** Who is signed in, and what a browser sends on their behalf. The same for every candidate. */

export const permission = 'orders:read';
export const permissions: readonly string[] = ['orders:read', 'orders:refund', 'profile:write'];
/** Sessions that the requests are spread over. */
export const sessions = 1000;
/** Milliseconds without a request after which a session ends: the library's own default. */
export const idle = 1_800_000;
export const path = '/orders';
export const origin = 'https://app.example';
export const userAgent =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';

/** Names of one length, so that every answer has the same. */
export function user(number: number): string {
  return `user-${String(number).padStart(4, '0')}`;
}

/** A GET as a page's own script sends it, among the cookies that an ordinary site has. */
export function request(cookie: string | null): string {
  const others = ['_ga=GA1.1.1203948576.1731500000', '_ga_7XK2P9QL4M=GS1.1.1731500000.12.1.1731500123.0.0.0'];
  const cookies = [...others, 'consent=analytics%3Dyes%26ads%3Dno', 'theme=dark', cookie, 'lang=en-GB'];
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${new URL(origin).host}`,
    'Connection: keep-alive',
    `User-Agent: ${userAgent}`,
    'Accept: application/json',
    'Accept-Language: en-GB,en;q=0.8',
    'Accept-Encoding: gzip, deflate, br',
    `Referer: ${origin}/`,
    'Sec-Fetch-Site: same-origin',
    'Sec-Fetch-Mode: cors',
    'Sec-Fetch-Dest: empty',
    `Cookie: ${cookies.filter((one) => one !== null).join('; ')}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}
