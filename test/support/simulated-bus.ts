import type { z } from 'zod';
import type { Bus, Delivery } from '../../shared/bus/bus.ts';
import { Fact } from '../../shared/contract/facts.ts';
import { TransientError } from '../../shared/contract/failure.ts';
import {
  resultDurable,
  resultFilter,
  resultSubject,
  windowFilter,
  workDurable,
  workFilter,
  workSubject,
  type Queue,
} from '../../shared/contract/subjects.ts';
import { Result, Work } from '../../shared/contract/work.ts';
import { never, type Line, type SimulatedBroker } from './simulated-broker.ts';
import type { Mailbox } from './simulated-mailbox.ts';

type Fits = (subject: string) => boolean;
type Box = 'work' | 'results';

/** A wait without an end, which a look at the mailbox interrupts. */
const FAR_MS = 3_600_000;

/** One peer's view of the simulated broker. Keeps B1, B2 and B3 of the Bus, and nothing that they do not promise. */
export class SimulatedBus implements Bus {
  readonly #broker: SimulatedBroker;
  readonly #line: Line;

  constructor(broker: SimulatedBroker, line: Line) {
    this.#broker = broker;
    this.#line = line;
  }

  async declare(): Promise<void> {
    await this.#line.request('declaring the streams', () => {
      this.#broker.declared = true;
    });
  }

  async declareQueue(queue: Queue): Promise<void> {
    await this.#declareDurable(workDurable(queue));
  }

  async declareResults(run: string): Promise<void> {
    await this.#declareDurable(resultDurable(run));
  }

  async #declareDurable(durable: string): Promise<void> {
    await this.#request(`declaring ${durable}`, () => {
      this.#broker.durables.add(durable);
    });
  }

  async offer(queue: Queue, work: Work): Promise<'stored' | 'present'> {
    const subject = workSubject(work.run, queue, work.unit);
    const text = JSON.stringify(Work.parse(work));
    return this.#request(`offering ${subject}`, () => {
      if (this.#broker.work.subjects().includes(subject)) return 'present';
      this.#broker.work.put(subject, text);
      return 'stored';
    });
  }

  async offered(run: string, queue: Queue): Promise<ReadonlySet<string>> {
    const filter = windowFilter(run, queue);
    return this.#request(`reading ${filter}`, () => {
      const subjects = this.#broker.work.subjects().filter(fitting(filter));
      return new Set(subjects.map((subject) => subject.slice(filter.length - 1)));
    });
  }

  async next(
    queue: Queue,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<Delivery<Work> | undefined> {
    const until = this.#broker.clock.now() + waitMs;
    return this.#take('work', Work, workDurable(queue), fitting(workFilter(queue)), until, signal);
  }

  async answer(result: Result): Promise<void> {
    const subject = resultSubject(result.run, result.peer);
    const text = JSON.stringify(Result.parse(result));
    await this.#request(`answering ${result.unit}`, () => {
      this.#broker.results.put(subject, text);
    });
  }

  async *results(run: string, signal: AbortSignal): AsyncGenerator<Delivery<Result>> {
    const fits = fitting(resultFilter(run));
    this.#broker.results.freeAll(fits);
    while (!signal.aborted) {
      const durable = resultDurable(run);
      const delivery = await this.#take('results', Result, durable, fits, Infinity, signal);
      if (delivery !== undefined) yield delivery;
    }
  }

  async unsettledResults(run: string): Promise<number> {
    const durable = resultDurable(run);
    const fits = fitting(resultFilter(run));
    return this.#request(`counting results of ${run}`, () => {
      this.#demand(durable);
      return this.#broker.results.subjects().filter(fits).length;
    });
  }

  async announce(run: string, position: number, fact: Fact): Promise<void> {
    const text = JSON.stringify({ run, position, fact: Fact.parse(fact) });
    await this.#request(`announcing ${fact.fact}`, () => {
      const key = `${run}/${position}`;
      if (!this.#broker.events.has(key)) this.#broker.events.set(key, text);
    });
  }

  close(): Promise<void> {
    this.#line.closed = true;
    return Promise.resolve();
  }

  async #take<TMessage>(
    box: Box,
    schema: z.ZodType<TMessage>,
    durable: string,
    fits: Fits,
    until: number,
    signal: AbortSignal,
  ): Promise<Delivery<TMessage> | undefined> {
    const { clock } = this.#broker;
    while (!signal.aborted) {
      if (this.#line.dead) return never();
      this.#demand(durable);
      const mailbox = this.#broker[box];
      const taken = mailbox.take(fits, clock.now());
      if (taken !== undefined && !this.#line.isLost()) {
        return this.#deliver(box, mailbox, taken.id, taken.letter.deliveries, () =>
          schema.parse(JSON.parse(taken.letter.text)),
        );
      }
      if (clock.now() >= until) return undefined;
      await this.#untilChange(mailbox, Math.min(until, mailbox.nextFreeAt(fits)), signal);
    }
    return undefined;
  }

  async #untilChange(mailbox: Mailbox, at: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#broker;
    const waited = new AbortController();
    const either = AbortSignal.any([signal, waited.signal]);
    const moment = at === Infinity ? FAR_MS : at - clock.now();
    const slept = clock.sleep(moment, either).catch(() => undefined);
    await Promise.race([mailbox.changed(), slept]);
    waited.abort();
  }

  #deliver<TMessage>(
    box: Box,
    mailbox: Mailbox,
    id: number,
    deliveries: number,
    parse: () => TMessage,
  ): Delivery<TMessage> {
    const { clock } = this.#broker;
    const isThere = (): boolean => !this.#line.dead && this.#broker[box] === mailbox;
    const held = box === 'work' ? 1 : 0;
    this.#line.inHand += held;
    return {
      message: parse(),
      deliveries,
      working: () => {
        if (isThere()) mailbox.renew(id, clock.now());
      },
      ack: async () => {
        this.#line.inHand -= held;
        this.#broker.excused += held;
        await this.#request('acknowledging', () => {
          if (!isThere()) throw new TransientError('acknowledging: no answer');
          mailbox.settle(id);
        });
        this.#broker.excused -= held;
      },
      giveBack: (delayMs) => {
        this.#line.inHand -= held;
        if (isThere()) mailbox.giveBack(id, clock.now() + delayMs);
      },
    };
  }

  #request<TValue>(doing: string, effect: () => TValue): Promise<TValue> {
    return this.#line.request(doing, () => {
      if (!this.#broker.declared) throw new TransientError(`${doing}: not declared`);
      return effect();
    });
  }

  #demand(durable: string): void {
    if (!this.#broker.durables.has(durable)) throw new TransientError(`${durable}: not declared`);
  }
}

/** Whether a subject fits a filter with `*` for one token and a final `>` for the rest. */
function fitting(filter: string): Fits {
  const pattern = filter.replaceAll('.', '\\.').replaceAll('*', '[^.]+').replace(/>$/, '.+');
  const expression = new RegExp(`^${pattern}$`);
  return (subject) => expression.test(subject);
}
