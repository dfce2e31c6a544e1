/** What a local nats-server is started with. Port -1 lets it choose a free one. */
export interface NatsSettings {
  port: number;
  store: string;
  /** fsync before each ack (survives power loss) instead of every two minutes (survives kill -9). */
  syncAlways: boolean;
}

/** The text of a configuration file: loopback only, JetStream on. */
export function natsConfig({ port, store, syncAlways }: NatsSettings): string {
  return [
    'host: "127.0.0.1"',
    `port: ${String(port)}`,
    // A client cannot ask for the sync interval, so the name says it: connectBus reads it for `status`.
    `server_name: "reset${syncAlways ? '-synced' : ''}"`,
    'jetstream {',
    `  store_dir: ${JSON.stringify(store)}`,
    ...(syncAlways ? ['  sync_interval: always'] : []),
    '}',
    '',
  ].join('\n');
}
