import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Tls } from '../../shared/process/environment.ts';

const run = promisify(execFile);

/** One self-signed certificate for 127.0.0.1 that is authority, server and client, made by openssl. */
export async function makeCertificates(): Promise<Tls> {
  const folder = await mkdtemp(join(tmpdir(), 'reset-tls-'));
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  try {
    const subject = ['-subj', '/CN=peer', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const make = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    await run('openssl', [...make, '-days', '2', '-keyout', key, '-out', certificate, ...subject]);
    const pem = await readFile(certificate);
    return { ca: pem, certificate: pem, key: await readFile(key) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
