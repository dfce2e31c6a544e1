import { expect, test } from 'vitest';
import {
  readOneLineSources,
  readStanzaSources,
  stanzaOf,
} from '../../../deploy/local/fetch/apt-sources.ts';
import { pickSource } from '../../../deploy/local/fetch/debian.ts';

const stanzas = `Types: deb deb-src
# a comment inside a stanza
URIs: http://mirror.example/debian
Suites: bookworm
  bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/archive.gpg

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main
`;

test('a stanza keeps its key, its folded suites and the comment out', () => {
  expect(readStanzaSources(stanzas)).toEqual([
    {
      uri: 'http://mirror.example/debian',
      suites: ['bookworm', 'bookworm-updates'],
      components: ['main'],
      options: { 'signed-by': '/usr/share/keyrings/archive.gpg' },
    },
  ]);
});

test('a one-line entry with options reads like a stanza, and other lines do not count', () => {
  const text = `# deb http://old.example/debian buster main
deb-src http://mirror.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib # ours
`;
  expect(readOneLineSources(text)).toEqual([
    {
      uri: 'http://mirror.example/debian',
      suites: ['bookworm'],
      components: ['main', 'contrib'],
      options: { arch: 'amd64', 'signed-by': '/k.gpg' },
    },
  ]);
});

test('a source is written again under a newer suite with its key', () => {
  const [source] = readOneLineSources('deb [signed-by=/k.gpg arch=amd64] http://m/debian a main\n');
  expect(source && stanzaOf(source, 'stable')).toBe(
    'Types: deb\nURIs: http://m/debian\nSuites: stable\nComponents: main\nsigned-by: /k.gpg\nArchitectures: amd64\n',
  );
});

test("the release's own source is picked, not that of another publisher", () => {
  const sources = readOneLineSources(`deb http://vendor.example/apt bookworm stable
deb http://vendor.example/cloud cloud-bookworm main
deb cdrom:[disc]/ bookworm main
deb http://mirror.example/debian bookworm main
`);
  expect(pickSource(sources, ['bookworm']).uri).toBe('http://mirror.example/debian');
  expect(() => pickSource([], ['bookworm'])).toThrow('apt has no source for bookworm');
});
