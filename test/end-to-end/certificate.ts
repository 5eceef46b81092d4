import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/*
 * A certificate that signs itself, for a host of a test: Node makes keys but no certificates, and a key
 * kept in the repository would be found by everybody who looks for keys in repositories. DER by X.690,
 * the fields by RFC 5280 §4.1.
 */

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export function selfSigned(host: string): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = sequence(set(sequence(oid(0x55, 0x04, 0x03), tagged(0x0c, Buffer.from(host)))));
  const ecdsaWithSha256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
  const hosts = sequence(tagged(0x82, Buffer.from(host)));
  const subjectAltName = sequence(oid(0x55, 0x1d, 0x11), tagged(0x04, hosts));
  const body = sequence(
    tagged(0xa0, integer(2)),
    integer(1),
    ecdsaWithSha256,
    name,
    sequence(utcTime('200101000000Z'), utcTime('491231235959Z')),
    name,
    spkiOf(publicKey),
    tagged(0xa3, sequence(subjectAltName)),
  );
  const signature = bits(sign('sha256', body, privateKey));
  const der = sequence(body, ecdsaWithSha256, signature);
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function spkiOf(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' });
}

function tagged(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...contents: readonly Buffer[]): Buffer => tagged(0x30, ...contents);
const set = (...contents: readonly Buffer[]): Buffer => tagged(0x31, ...contents);
const integer = (value: number): Buffer => tagged(0x02, Buffer.from([value]));
const oid = (...bytes: readonly number[]): Buffer => tagged(0x06, Buffer.from(bytes));
const utcTime = (text: string): Buffer => tagged(0x17, Buffer.from(text));
const bits = (content: Buffer): Buffer => tagged(0x03, Buffer.from([0]), content);
