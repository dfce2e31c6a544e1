/** One `deb` entry of apt's sources. `options` are its fields besides URI, suites and components. */
export interface AptSource {
  uri: string;
  suites: string[];
  components: string[];
  options: Record<string, string>;
}

/** Reads a file of one-line entries: `deb [signed-by=/key arch=amd64] URI suite component…`. */
export function readOneLineSources(text: string): AptSource[] {
  const sources: AptSource[] = [];
  for (const line of text.split('\n')) {
    const entry = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)/.exec(line);
    const [, options = '', uri, suite, components = ''] = entry ?? [];
    if (uri === undefined || suite === undefined) continue;
    sources.push({
      uri,
      suites: [suite],
      components: words(components),
      options: Object.fromEntries(
        words(options).map((pair) => {
          const [key = '', value = ''] = pair.split('=');
          return [key.toLowerCase(), value];
        }),
      ),
    });
  }
  return sources;
}

/** Reads a file of stanzas (`Types: deb`, `URIs: …`, …), as Debian 12 and newer write them. */
export function readStanzaSources(text: string): AptSource[] {
  const plain = text.replaceAll(/^#.*\n?/gm, '');
  return plain.split(/\n\s*\n/).flatMap((stanza) => {
    const fields = readFields(stanza);
    const {
      types = '',
      uris = '',
      suites = '',
      components = '',
      enabled = '',
      ...options
    } = fields;
    if (!words(types).includes('deb') || /^(no|false|0)$/i.test(enabled)) return [];
    return words(uris).map((uri) => ({
      uri,
      suites: words(suites),
      components: words(components),
      options,
    }));
  });
}

/** The same source under another suite, as a stanza that apt reads. */
export function stanzaOf(source: AptSource, suite: string): string {
  const lines = [
    'Types: deb',
    `URIs: ${source.uri}`,
    `Suites: ${suite}`,
    `Components: ${source.components.join(' ')}`,
    ...Object.entries(source.options).map(([key, value]) => `${optionName(key)}: ${value}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** One-line options have names of their own for the same fields. */
function optionName(key: string): string {
  return key === 'arch' ? 'Architectures' : key === 'lang' ? 'Languages' : key;
}

/** Field names in lower case; a value may go on over lines that begin with a space. */
function readFields(stanza: string): Record<string, string> {
  const fields: Record<string, string> = {};
  let name = '';
  for (const line of stanza.split('\n')) {
    const field = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
    if (field !== null) {
      name = (field[1] ?? '').toLowerCase();
      fields[name] = field[2] ?? '';
    } else if (name !== '' && /^\s+\S/.test(line)) {
      fields[name] = `${fields[name] ?? ''}\n${line}`;
    }
  }
  return fields;
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
