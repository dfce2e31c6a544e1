/** A message of a simulated work queue, in the hands of whoever took it last. */
export interface Letter {
  readonly subject: string;
  /** JSON, as it would travel, so that nobody shares objects. */
  readonly text: string;
  readonly deliveries: number;
}

interface Kept extends Letter {
  deliveries: number;
  /** When it may be taken: 0 at once, later while it is in someone's hands or was given back with a delay. */
  freeAt: number;
  inHand: boolean;
}

/** A work-queue stream: letters stay until they are acknowledged, and come again after the ack wait. The broker's truth in a simulation. */
export class Mailbox {
  readonly #letters = new Map<number, Kept>();
  readonly #ackWaitMs: number;
  readonly #waiting = new Set<() => void>();
  #last = 0;

  constructor(ackWaitMs: number) {
    this.#ackWaitMs = ackWaitMs;
  }

  put(subject: string, text: string): void {
    this.#last += 1;
    this.#letters.set(this.#last, { subject, text, deliveries: 0, freeAt: 0, inHand: false });
    this.wake();
  }

  subjects(): string[] {
    return [...this.#letters.values()].map(({ subject }) => subject);
  }

  /** Letters that someone has taken and not settled. */
  inHand(): number {
    return [...this.#letters.values()].filter(({ inHand }) => inHand).length;
  }

  /** The oldest letter that is free and fits, or none. */
  take(
    fits: (subject: string) => boolean,
    now: number,
  ): { id: number; letter: Letter } | undefined {
    for (const [id, letter] of this.#letters) {
      if (!fits(letter.subject) || letter.freeAt > now) continue;
      letter.deliveries += 1;
      letter.freeAt = now + this.#ackWaitMs;
      letter.inHand = true;
      return { id, letter: { ...letter } };
    }
    return undefined;
  }

  /** A late acknowledgement is accepted, whoever holds the letter now. */
  settle(id: number): void {
    this.#letters.delete(id);
  }

  renew(id: number, now: number): void {
    const letter = this.#letters.get(id);
    if (letter?.inHand === true) letter.freeAt = now + this.#ackWaitMs;
  }

  giveBack(id: number, freeAt: number): void {
    const letter = this.#letters.get(id);
    if (letter === undefined) return;
    letter.freeAt = freeAt;
    letter.inHand = false;
    this.wake();
  }

  /** Frees what someone who is gone had in hand. */
  freeAll(fits: (subject: string) => boolean): void {
    for (const letter of this.#letters.values()) if (fits(letter.subject)) letter.freeAt = 0;
    this.wake();
  }

  /** When the next letter that fits will be free; Infinity when there is none. */
  nextFreeAt(fits: (subject: string) => boolean): number {
    let first = Infinity;
    for (const { subject, freeAt } of this.#letters.values()) {
      if (fits(subject)) first = Math.min(first, freeAt);
    }
    return first;
  }

  /** Resolves when a letter was put or given back. */
  changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
    });
  }

  /** Lets everyone who waits look again. */
  wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
