import type { Directory } from '../../shared/bus/bus.ts';
import { PRESENCE_TTL_MS } from '../../shared/bus/topology.ts';
import { TransientError } from '../../shared/contract/failure.ts';
import { Presence, RunBinding } from '../../shared/contract/peer.ts';
import type { Line, SimulatedBroker } from './simulated-broker.ts';

const LOOK_EVERY_MS = 1000;

/** One peer's view of presence and bindings in the simulated broker. */
export class SimulatedDirectory implements Directory {
  readonly #broker: SimulatedBroker;
  readonly #line: Line;

  constructor(broker: SimulatedBroker, line: Line) {
    this.#broker = broker;
    this.#line = line;
  }

  async appear(presence: Presence): Promise<void> {
    const kept = Presence.parse(presence);
    await this.#request('showing a peer', () => {
      this.#broker.presences.set(kept.peer, { presence: kept, at: this.#broker.clock.now() });
    });
  }

  async leave(peer: string): Promise<void> {
    await this.#request('taking a peer off', () => {
      this.#broker.presences.delete(peer);
    });
  }

  async peers(): Promise<Presence[]> {
    return this.#request('reading the peers', () => {
      const oldest = this.#broker.clock.now() - PRESENCE_TTL_MS;
      return [...this.#broker.presences.values()]
        .filter(({ at }) => at > oldest)
        .map(({ presence }) => presence)
        .sort((a, b) => (a.peer < b.peer ? -1 : 1));
    });
  }

  async bind(binding: RunBinding): Promise<RunBinding> {
    const wanted = RunBinding.parse(binding);
    return this.#request(`binding ${binding.run}`, () => {
      const held = this.#broker.bindings.get(wanted.run);
      if (held !== undefined && held.ledger !== wanted.ledger) return held;
      this.#broker.bindings.set(wanted.run, wanted);
      return wanted;
    });
  }

  async binding(run: string): Promise<RunBinding | undefined> {
    return this.#request(`reading the binding of ${run}`, () => this.#broker.bindings.get(run));
  }

  async *bindings(signal: AbortSignal): AsyncGenerator<RunBinding> {
    const seen = new Map<string, RunBinding>();
    while (!signal.aborted) {
      const now = await this.#request('reading the bindings', () => [
        ...this.#broker.bindings.values(),
      ]);
      for (const binding of now) {
        if (seen.get(binding.run) === binding) continue;
        seen.set(binding.run, binding);
        yield binding;
      }
      await this.#broker.clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
    }
  }

  #request<TValue>(doing: string, effect: () => TValue): Promise<TValue> {
    return this.#line.request(doing, () => {
      if (!this.#broker.declared) throw new TransientError(`${doing}: not declared`);
      return effect();
    });
  }
}
